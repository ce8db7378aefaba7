/**
 * What became of requests, by route and by code: plain numbers that cost a request one addition. A route is named by its pattern, a refusal by a
 * code of the table in `problem.ts`: neither can be made up by a client.
 */
import type { ServerResponse } from 'node:http';
import type { ProblemCode } from './problem.ts';

/** Answers of one route by the first digit of their status; place 0 counts clients that went away before. */
export class AnswerCounts {
  readonly byClass = new Float64Array(6);

  note({ headersSent, statusCode }: Pick<ServerResponse, 'headersSent' | 'statusCode'>): void {
    const place = headersSent ? Math.trunc(statusCode / 100) : 0;
    (this.byClass[place] as number)++;
  }
}

export interface RouteCounts {
  method: string;
  /** The pattern; `` for what no route has. */
  route: string;
  answers: AnswerCounts;
}

export class RequestCounts {
  readonly routes: RouteCounts[] = [];
  readonly refused = new Map<ProblemCode, number>();
  /** Requests for what is not there. */
  readonly unmatched = this.route('', '');

  route(method: string, route: string): AnswerCounts {
    const answers = new AnswerCounts();
    this.routes.push({ method, route, answers });
    return answers;
  }

  refuse(code: ProblemCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}

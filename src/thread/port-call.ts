/**
 * Calls over a MessagePort, so that a part can live in a thread of its own and still be called like a function: one message there, one back,
 * answers in any order. Bytes named in `transfer` move instead of being copied. An error keeps its code and message across the border.
 */
import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';

/** Either end of a channel: a MessagePort, or the Worker at its end. */
export type Channel = MessagePort | Worker;

interface Request {
  call: number;
  method: string;
  argument: unknown;
}

interface Reply {
  reply: number;
  value?: unknown;
  error?: { code?: string; message: string; detail?: Record<string, string | number | boolean> };
}

/** A handler's answer when some of its bytes should move to the caller. */
export class Transferred<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

export type Handlers = Record<string, (argument: never) => unknown>;

/** Answers the calls that arrive at `channel`. A handler may return a promise, and may throw. */
export function serveCalls(channel: Channel, handlers: Handlers): void {
  channel.on('message', (request: Request) => {
    if (typeof request?.call !== 'number') return;
    void answer(channel, handlers, request);
  });
}

async function answer(channel: Channel, handlers: Handlers, request: Request): Promise<void> {
  const reply: Reply = { reply: request.call };
  let transfer: readonly Transferable[] = [];
  try {
    const handler = handlers[request.method];
    if (!handler) throw new Error(`no such call: ${request.method}`);
    const value = await handler(request.argument as never);
    if (value instanceof Transferred) {
      reply.value = value.value;
      transfer = value.transfer;
    } else reply.value = value;
  } catch (error) {
    reply.error = describe(error);
  }
  channel.postMessage(reply, transfer);
}

function describe(error: unknown): NonNullable<Reply['error']> {
  if (error instanceof VeiltrailError) return { code: error.code, message: error.message, detail: { ...error.detail } };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The calling end. After {@link Caller.fail} (the thread died) every call under way and every later one is rejected. */
export class Caller {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #next = 0;
  #failure: Error | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on('message', (message: Reply) => this.#settle(message));
  }

  /** @throws what the handler threw, as a VeiltrailError where it was one */
  call<T>(method: string, argument: unknown, transfer: readonly Transferable[] = []): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure);
    const call = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      const request: Request = { call, method, argument };
      this.#channel.postMessage(request, transfer);
    });
  }

  /** Rejects everything that still waits: the other end is gone. */
  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #settle(message: Reply): void {
    const waiting = typeof message?.reply === 'number' ? this.#waiting.get(message.reply) : undefined;
    if (!waiting) return;
    this.#waiting.delete(message.reply);
    const { error } = message;
    if (!error) waiting.resolve(message.value as never);
    else if (error.code !== undefined) waiting.reject(new VeiltrailError(error.code, error.message, error.detail));
    else waiting.reject(new Error(error.message));
  }
}

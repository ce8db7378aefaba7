/**
 * The page on which an approver decides with a security key or passkey. The page itself is for everybody: what it shows it asks for with the key that
 * is typed into it. Nothing runs but its one script, it connects to this server alone, and it is shown in nobody else's page.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { VeiltrailError } from '../../core/errors.ts';
import type { ApprovePage } from '../approve-page.ts';
import { noQuery } from '../schemas.ts';

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self)',
  'x-frame-options': 'DENY',
} as const;

/**
 * @param read when somebody first asks for it; undefined where it was not built
 * @param origin of the one address that keys are made for, where it is known
 */
export function registerApproveRoutes(app: FastifyInstance, read: () => ApprovePage | undefined = () => undefined, origin = ''): void {
  let page: ApprovePage | undefined;
  const serve = (path: string, part: keyof ApprovePage, type: string, summary: string): void => {
    const schema = { summary, querystring: noQuery, produces: [type] };
    app.get(path, { schema }, (_request, reply): FastifyReply => {
      page ??= read();
      if (!page) throw new VeiltrailError('not_found', 'the page was not built: npm run build makes it');
      return reply
        .headers(headers)
        .type(`${type}; charset=utf-8`)
        .send(part === 'html' ? page.html.replace('{{origin}}', origin) : page[part]);
    });
  };
  serve('/approve', 'html', 'text/html', 'The page on which an approver decides with a security key or passkey');
  serve('/approve/script.js', 'script', 'text/javascript', 'Of that page');
  serve('/approve/style.css', 'style', 'text/css', 'Of that page');
}

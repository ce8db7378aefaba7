/**
 * The HTTP server: Fastify with what every route needs, and nothing it does not. Its rules hold for every route, because they are here:
 *
 * - A route is in the table of route-table.ts, which says the right it takes and what is recorded of it; with one that is not, nothing starts.
 * - The key is checked before anything of the body is read. Keys count in the Authorization header only; one in a URL is refused.
 * - What was read is handed to the recorder before the answer goes out, and so is whoever was refused.
 * - Every answer but a 2xx is a problem from the table in `problem.ts`, and repeats nothing of what was sent.
 * - Nothing about a request is logged; a mistake of ours is reported by name and place, without its words.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticate.ts';
import type { TokenAuthenticator } from '../access/tokens.ts';
import { containsApiKey } from '../access/api-key.ts';
import type { AnchorFigures } from '../anchor/anchoring.ts';
import type { Keys } from '../access/manage-keys.ts';
import type { Principal, Role } from '../access/roles.ts';
import type { ReadDetail } from '../app/access-recorder.ts';
import type { Trail } from '../app/trail.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { ApprovePage } from './approve-page.ts';
import { createAdmissionDesk, type Admission } from './admission.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { createClientAddress } from './client-address.ts';
import { createDoor } from './door.ts';
import { httpLimits, type HttpLimits } from './limits.ts';
import { registerOpenApi } from './openapi.ts';
import { codeOf, type ProblemCode, problemOf, problems, problemType, retryAfterOf } from './problem.ts';
import { type BodyRead, readBody } from './read-body.ts';
import { createDoorRecords } from './record-access.ts';
import { type AnswerCounts, RequestCounts } from './request-counts.ts';
import { type RouteRule, ruleOf } from './route-table.ts';
import type { SelfVerification } from './self-verify.ts';
import { registerBackupRoute } from './routes/backups.ts';
import { registerCanaryRoute } from './routes/canary.ts';
import { registerAlertRoutes } from './routes/alerts.ts';
import { registerApproveRoutes } from './routes/approve.ts';
import { registerDataProtectionRoutes } from './routes/data-protection.ts';
import { registerEventRoutes } from './routes/events.ts';
import { registerEvidenceRoute } from './routes/evidence.ts';
import { registerFieldRoutes } from './routes/fields.ts';
import { registerForwarderRoutes } from './routes/forwarders.ts';
import { registerHealthRoutes } from './routes/health.ts';
import { registerKeyRoutes } from './routes/keys.ts';
import { registerLogRoutes } from './routes/logs.ts';
import { registerMetricsRoute } from './routes/metrics.ts';
import { registerRawExportRoute } from './routes/raw-export.ts';
import { registerRequestRoutes } from './routes/requests.ts';
import { registerSecretRoutes } from './routes/secrets.ts';
import { registerTileRoutes } from './routes/tiles.ts';
import { registerTokenRoutes } from './routes/tokens.ts';
import { schemaCompilers } from './schema-compilers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of the table; given to each route as it is registered. */
    rule?: RouteRule;
    /** What became of its requests; given to each route as it is registered. */
    answers?: AnswerCounts;
  }
  interface FastifyRequest {
    /** Who asks, on every route that is not open. */
    principal: Principal;
    admission: Admission | undefined;
    /** For answers that take long: throws once whoever asked would not be let in any more; `more` is what the route itself asked of them. */
    checkAgain: (more?: (principal: Principal) => void) => void | Promise<void>;
    clientAddress: string;
    /** What the answer shows: set by routes whose reading is recorded. */
    seen: ReadDetail | undefined;
    /** The code of the problem that is answered. */
    problem: ProblemCode | undefined;
  }
}

/** What happened where the server itself was at fault: names and places, never contents. */
export interface MistakeReport {
  code: string;
  /** The route's pattern, not the URL that was asked for. */
  route: string;
  /** Names of functions and lines of our code. */
  stack: string;
}

export interface HttpParts {
  trail: Trail;
  keys: Keys;
  authenticator: Authenticator;
  /** For the description at /openapi.json. */
  version: string;
  limits?: Partial<HttpLimits>;
  /** For `/metrics`: how far anchors are behind. */
  anchors?: () => Promise<AnchorFigures[]>;
  /** What the server found of what it stores, where it verifies that. */
  verification?: () => SelfVerification | undefined;
  /** Recognises bearer tokens of an identity provider. */
  tokens?: TokenAuthenticator;
  /** Members that everybody of a role does not get to see. */
  hides?: Partial<Record<Role, readonly string[]>>;
  /** Reads the page on which approvers decide; undefined where it was not built. */
  approvePage?: () => ApprovePage | undefined;
  /** Whether an address is that of a proxy whose X-Forwarded-For counts. */
  isProxy?: (address: string) => boolean;
  report?: (mistake: MistakeReport) => void;
}

/** At a stop: what is on its way from a client that has just connected. */
const silentMs = 500;

/** A server that does not listen yet. `close()` answers what is under way first. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const limits = { ...httpLimits, ...parts.limits };
  const counts = new RequestCounts();
  const sendProblem = (reply: FastifyReply, error: Error): void => {
    reply.request.problem = codeOf(error);
    counts.refuse(reply.request.problem);
    answerProblem(reply, error);
  };
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // it is no problem in our words: see below
    http: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutsCheckedEveryMs,
    },
    routerOptions: { maxParamLength: 256, caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, asOurs(error)),
    clientErrorHandler: answerBrokenRequest,
    genReqId: () => '',
    schemaController: { compilersFactory: schemaCompilers },
  });
  app.server.maxConnections = limits.connectionsMax;
  const desk = createAdmissionDesk(limits);
  const { trail, authenticator } = parts;
  const records = createDoorRecords({ access: trail.access, isLog: (log) => trail.logs().includes(log) });
  const admit = createDoor({ ...parts, desk, records });
  const addressOf = createClientAddress(parts.isProxy);
  // Somebody changed the keys beside the server. What cannot be told now is told with the next change, or at the next start.
  authenticator.onChange(() => void trail.keyChanges.tell().catch(() => undefined));

  let stopping = false;
  // Connections that never sent the head of a request: to Node they are busy, so that closing would wait for them.
  const silent = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  app.server.on('request', ({ socket }) => silent.delete(socket));
  app.decorateRequest('principal');
  app.decorateRequest('admission');
  app.decorateRequest('clientAddress', '');
  app.decorateRequest('seen');
  app.decorateRequest('problem');
  app.addHook('onRoute', (route) => {
    const { method, url } = route;
    route.config = { ...route.config, rule: ruleOf(String(method), url), answers: counts.route(String(method), url) };
  });
  app.addHook('onRequest', (request, reply, done) => {
    const { rule, answers = counts.unmatched } = request.routeOptions.config;
    // Comes when the answer is out and when the client went away before it.
    reply.raw.once('close', () => {
      request.admission?.release();
      answers.note(reply.raw);
    });
    setSecurityHeaders(reply);
    request.clientAddress = addressOf(request.raw);
    try {
      if (stopping) throw new VeiltrailError('stopping', 'the server is stopping');
      refuseKeyInUrl(request.raw.url ?? '');
    } catch (error) {
      records.refused(request, error);
      return done(error as Error);
    }
    if (rule?.right === undefined) done();
    else admit(request, rule.right, done);
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    try {
      records.answered(request, reply);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onClose', () => authenticator.saveUse());
  app.addHook('preClose', (done) => {
    stopping = true;
    // Connections that are busy now are closed as their answers are out, not when their clients lose patience.
    const timer = setInterval(() => app.server.closeIdleConnections(), 50).unref();
    // Node looks at no timeouts of a server that closes: a client that sends half a request, or reads no answer, would keep it for as long as it likes.
    const ends = [
      setTimeout(() => silent.forEach((socket) => socket.destroy()), Math.min(silentMs, limits.drainMs)),
      setTimeout(() => app.server.closeAllConnections(), limits.drainMs),
    ];
    app.server.once('close', () => {
      clearInterval(timer);
      ends.forEach((end) => clearTimeout(end));
    });
    done();
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const ours = asOurs(error);
    // Whoever asked has gone before a stream began: that is no mistake, and nobody reads an answer.
    const isGone = error.code === 'ERR_STREAM_PREMATURE_CLOSE' && reply.raw.destroyed;
    if (codeOf(ours) === 'internal' && !isGone) parts.report?.(mistakeOf(ours, request));
    // A body that nobody will read must not be taken for the next request.
    if (!request.raw.complete) void reply.header('connection', 'close');
    if (isGone) answerProblem(reply, ours);
    else sendProblem(reply, ours);
  });
  app.setNotFoundHandler((request, reply) => {
    if (!request.raw.complete) void reply.header('connection', 'close');
    sendProblem(reply, new VeiltrailError('not_found', 'there is nothing here'));
  });

  // Bodies are bytes; what they mean is for the pipeline to say. Only requests that were admitted come this far.
  app.removeAllContentTypeParsers();
  // Named apart from all others, because what has no parser of its own is looked for anew with every request.
  for (const type of ['application/json', 'application/x-ndjson', '*']) {
    app.addContentTypeParser(type, (request: FastifyRequest, payload: IncomingMessage, done: BodyRead) => {
      if (request.admission) readBody(payload, request.admission, limits.bodyBytesMax, done);
      else done(null);
    });
  }

  await registerOpenApi(app, parts.version);
  await app.register((routes, _options, done) => {
    registerEventRoutes(routes, parts.trail, limits.bodyBytesMax);
    registerEvidenceRoute(routes, parts.trail);
    registerRawExportRoute(routes, parts.trail);
    registerLogRoutes(routes, parts.trail);
    registerFieldRoutes(routes, parts.trail);
    registerForwarderRoutes(routes, parts.trail.forwarders);
    registerKeyRoutes(routes, parts);
    registerRequestRoutes(routes, parts.trail);
    registerTileRoutes(routes, parts.trail);
    registerTokenRoutes(routes, parts.trail);
    registerSecretRoutes(routes, parts.trail);
    registerHealthRoutes(routes, parts.trail, () => parts.verification?.()?.troubles() ?? []);
    registerDataProtectionRoutes(routes, parts.trail.dataProtection);
    registerCanaryRoute(routes, parts.trail);
    registerAlertRoutes(routes, parts.trail.alerts);
    registerBackupRoute(routes, parts.trail);
    registerApproveRoutes(routes, parts.approvePage, parts.trail.requests.origin);
    registerMetricsRoute(routes, {
      trail: parts.trail,
      requests: counts,
      heldBytes: () => desk.held(),
      ...(parts.anchors ? { anchors: parts.anchors } : {}),
      verification: () => parts.verification?.()?.figures(),
    });
    done();
  });
  return app;
}

function refuseKeyInUrl(url: string): void {
  let plain = url;
  try {
    if (url.includes('%')) plain = decodeURIComponent(url);
  } catch {
    // Not decodable: the router refuses it.
  }
  if (containsApiKey(plain)) throw new VeiltrailError('key_in_url', 'a key stands in the URL; revoke it, and send keys in the Authorization header');
}

function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
}

/** Fastify's own refusals in our words. Theirs may quote the request. */
function asOurs(error: FastifyError | Error): Error {
  if (error instanceof VeiltrailError) return error;
  const { statusCode } = error as FastifyError;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new VeiltrailError('malformed_request', 'not a request that this server understands');
  }
  return error;
}

function answerProblem(reply: FastifyReply, error: Error): void {
  const problem = problemOf(error);
  const retryAfter = retryAfterOf(problem.code, problem);
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="veiltrail"');
  // What a success would have said of itself is not true of this.
  reply.removeHeader('access-control-allow-origin');
  // As bytes, because Fastify would name a charset, which this media type does not have.
  void reply
    .code(problems[problem.code].status)
    .header('cache-control', 'no-store')
    .header('content-type', problemType)
    .send(Buffer.from(JSON.stringify(problem)));
}

function mistakeOf(error: Error, request: FastifyRequest): MistakeReport {
  const { message, stack = '' } = error;
  // The message stands before the frames, may be of several lines, and may quote anything.
  const frames = stack.slice(Math.max(0, stack.indexOf(message)) + message.length).split('\n');
  const code = error instanceof VeiltrailError ? error.code : error.name;
  const places = frames.filter((line) => /^\s+at /.test(line)).slice(0, 8);
  return { code, route: `${request.method} ${request.routeOptions.url ?? ''}`, stack: places.join('\n') };
}

/** The words by which products call what our event calls otherwise. */
import { outcomes } from '../event/audit-event.ts';
import type { Outcome } from '../event/audit-event.ts';

/** Names are compared in lower case without `_`, `-`, `@`, `.` and spaces. Earlier ones win. */
export const names = {
  time: [
    'time',
    'timestamp',
    'eventtime',
    'published',
    'occurredat',
    'createdat',
    'created',
    'creationtime',
    'datetime',
    'datecreate',
    'activitydatetime',
    'generateddatetime',
    'messagetime',
    'requestreceivedtimestamp',
    'timestampderived',
    'eventdate',
    'date',
    'ts',
    'peventtime',
    'receivetimestamp',
  ],
  action: ['action', 'eventname', 'eventtype', 'operationname', 'actionname', 'methodname', 'operation', 'verb', 'event', 'activity', 'type'],
  source: ['source', 'eventsource', 'servicename', 'service', 'workload', 'application', 'applicationname', 'psourcelabel', 'plogtype'],
  message: ['message', 'msg', 'displaymessage', 'description', 'summary'],
  reason: ['reason', 'errorcode', 'errormessage', 'failurereason'],
  outcome: ['outcome', 'result', 'status', 'resultstatus', 'actionresult', 'success'],
  severity: ['severity', 'severitylevel', 'level'],
  actor: ['actor', 'user', 'useridentity', 'principal', 'authenticationinfo', 'initiator', 'identity', 'createdby', 'operator', 'admin'],
  actorId: [
    'userid',
    'actorid',
    'actoruserid',
    'useremail',
    'actoremail',
    'principalemail',
    'username',
    'actorusername',
    'actorname',
    'loginname',
    'login',
    'adminid',
  ],
  actorName: ['username', 'actorname', 'actorusername', 'displayname'],
  actorEmail: ['useremail', 'actoremail'],
  target: ['targets', 'target', 'resources', 'resource', 'object', 'objectref', 'entity', 'repository', 'repo'],
  ip: [
    'ip',
    'ipaddress',
    'ipaddr',
    'sourceip',
    'sourceipaddress',
    'srcip',
    'clientip',
    'clientipaddress',
    'remoteip',
    'remoteaddr',
    'remoteaddress',
    'requestip',
    'actoripaddress',
    'callerip',
    'sourceips',
  ],
  userAgent: ['useragent', 'requestuseragent', 'clientrequestuseragent', 'callersupplieduseragent', 'ua', 'rawuseragent'],
  requestId: ['requestid', 'correlationid', 'rayid'],
  traceId: ['traceid', 'trace'],
} as const;
/** Within an actor or a target. */
export const inside = {
  id: [
    'id',
    'uuid',
    'uid',
    'userid',
    'principalid',
    'arn',
    'email',
    'emailaddress',
    'principalemail',
    'login',
    'loginname',
    'username',
    'alternateid',
    'profileid',
    'gid',
    'name',
  ],
  name: ['name', 'displayname', 'username', 'fullname', 'loginname', 'login'],
  email: ['email', 'emailaddress', 'principalemail', 'alternateid'],
  targetId: ['id', 'uuid', 'uid', 'arn', 'name', 'fullname'],
  targetName: ['name', 'displayname', 'fullname', 'title'],
  targetType: ['type', 'kind', 'resource', 'resourcetype'],
} as const;
/** Objects that hold the event itself. */
export const innerScopes = ['event', 'data', 'attributes', 'protopayload', 'detail'];
/** Where products put what describes a request, within a scope. */
export const requestScopes = ['context', 'client', 'request', 'requestmetadata', 'httprequest', 'securitycontext'];

/** A name as these tables have it. */
export function plainName(name: string): string {
  // No product's name for any of these is longer; a hostile one need not be copied.
  return name.length > 64 ? name : name.toLowerCase().replace(/[-_@. ]/g, '');
}

export const outcomeWords = new Map<string, Outcome>([
  ...outcomes.map((outcome) => [outcome, outcome] as const),
  ...(['succeeded', 'successful', 'ok', 'allow', 'allowed', 'pass', 'passed', 'granted', 'completed'] as const).map(
    (word) => [word, 'success'] as const,
  ),
  ...(['failed', 'fail', 'error', 'errored'] as const).map((word) => [word, 'failure'] as const),
  ...(['deny', 'unauthorized', 'forbidden', 'blocked', 'block', 'rejected'] as const).map((word) => [word, 'denied'] as const),
]);

/** To OCSF's scale, 1 to 5. */
export const severityWords = new Map<string, number>([
  ['debug', 1],
  ['info', 1],
  ['informational', 1],
  ['notice', 1],
  ['low', 2],
  ['medium', 3],
  ['warn', 3],
  ['warning', 3],
  ['high', 4],
  ['error', 4],
  ['critical', 5],
  ['emergency', 5],
  ['alert', 5],
]);

/**
 * AWS CloudTrail records (docs.aws.amazon.com: "CloudTrail record contents"). What our event has a member for moves there, value for value;
 * everything else stays whole under `metadata` in AWS's own names. `category`, `crud`, `outcome` and `actor.type` are read out of the record
 * in addition: the words they come from stay.
 */
import { isIP } from 'node:net';
import type { ActorType, Category, Crud } from '../event/audit-event.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { isJsonObject } from '../core/json.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Incoming, IngestNote } from './incoming.ts';
import { moveNotes } from './moves.ts';
import type { Move } from './moves.ts';

export function isCloudTrail(sent: JsonObject): boolean {
  return typeof sent.eventVersion === 'string' && typeof sent.eventSource === 'string' && typeof sent.eventName === 'string';
}

/** Gives a CloudTrail record our shape, using up the object. */
export function readCloudTrail(sent: JsonObject, parserNotes: readonly IngestNote[], bytes: number): Incoming {
  const moves: Move[] = [];
  const notes: IngestNote[] = [];
  const event: JsonObject = {};
  const incoming: Incoming = { event, notes, bytes, content: '' };
  const take: Take = (name, to, parent = sent, path = '') => {
    const value = parent[name];
    if (typeof value !== 'string' || value === '') return undefined;
    delete parent[name];
    moves.push({ from: `${path}/${name}`, to });
    return value;
  };

  const { readOnly } = sent;
  const id = take('eventID', '/id');
  if (id !== undefined) incoming.id = id;
  set(event, 'id', id);
  readTime(sent, incoming);
  const source = take('eventSource', '/source');
  const action = take('eventName', '/action');
  const errorCode = take('errorCode', '/reason');
  set(event, 'source', source);
  set(event, 'action', action);
  set(event, 'reason', errorCode);
  set(event, 'message', take('errorMessage', '/message'));
  const outcome = outcomeOf(errorCode, action, sent);
  event.outcome = outcome;
  set(event, 'category', categoryOf(action ?? '', source ?? '', outcome, readOnly));
  set(event, 'crud', crudOf(action ?? '', readOnly));
  set(event, 'actor', readActor(sent, take));
  const context: JsonObject = {};
  // Where AWS itself made the call there is the name of a service instead of an address.
  if (typeof sent.sourceIPAddress === 'string' && isIP(sent.sourceIPAddress) !== 0) set(context, 'ip', take('sourceIPAddress', '/context/ip'));
  set(context, 'userAgent', take('userAgent', '/context/userAgent'));
  set(context, 'requestId', take('requestID', '/context/requestId'));
  if (Object.keys(context).length > 0) event.context = context;
  const targets = readTargets(sent, moves);
  if (targets.length > 0) event.targets = targets;
  if (Object.keys(sent).length > 0) event.metadata = sent;
  if (parserNotes.length > 0) notes.push(...moveNotes(parserNotes, moves, '/metadata'));
  return incoming;
}

/** Takes a text out of `parent`, which stands at `path`, for the place `to`. */
type Take = (name: string, to: string, parent?: JsonObject, path?: string) => string | undefined;

function set(object: JsonObject, name: string, value: JsonValue | undefined): void {
  if (value !== undefined) object[name] = value;
}

function readTime(sent: JsonObject, incoming: Incoming): void {
  const { eventTime } = sent;
  if (eventTime === undefined) return;
  const time = typeof eventTime === 'string' ? parseTimestamp(eventTime) : undefined;
  if (!time) {
    incoming.notes.push({ pointer: '/metadata/eventTime', note: 'time_unreadable' });
    return;
  }
  incoming.timeMs = time.ms;
  incoming.event.time = time.canonical;
  if (time.utc) delete sent.eventTime;
}

function readActor(sent: JsonObject, take: Take): JsonObject | undefined {
  const identity = sent.userIdentity;
  if (!isJsonObject(identity)) return undefined;
  const actor: JsonObject = { type: actorTypeOf(identity) };
  for (const name of ['arn', 'principalId', 'invokedBy', 'accountId']) {
    const id = take(name, '/actor/id', identity, '/userIdentity');
    if (id === undefined) continue;
    actor.id = id;
    break;
  }
  set(actor, 'name', take('userName', '/actor/name', identity, '/userIdentity'));
  if (Object.keys(identity).length === 0) delete sent.userIdentity;
  return actor;
}

function actorTypeOf(identity: JsonObject): ActorType {
  if (identity.principalId === 'ANONYMOUS_PRINCIPAL') return 'anonymous';
  return identity.type === 'AWSService' || (identity.arn === undefined && typeof identity.invokedBy === 'string') ? 'service' : 'user';
}

const deniedCode = /denied|unauthori[sz]ed|forbidden|not ?authori[sz]ed/i;

function outcomeOf(errorCode: string | undefined, action: string | undefined, sent: JsonObject): 'success' | 'failure' | 'denied' {
  if (errorCode !== undefined) return deniedCode.test(errorCode) ? 'denied' : 'failure';
  // A refused console login has no error code, only its answer.
  const answer = action !== undefined && isJsonObject(sent.responseElements) ? sent.responseElements[action] : undefined;
  return answer === 'Failure' ? 'failure' : 'success';
}

const authentication = new Set([
  'ConsoleLogin',
  'CheckMfa',
  'SwitchRole',
  'ExitRole',
  'RenewRole',
  'GetSessionToken',
  'GetFederationToken',
  'Authenticate',
  'UserAuthentication',
]);
const trailControl = new Set([
  'StopLogging',
  'StartLogging',
  'DeleteTrail',
  'UpdateTrail',
  'CreateTrail',
  'PutEventSelectors',
  'DeleteFlowLogs',
  'DeleteLogGroup',
  'DeleteLogStream',
  'StopConfigurationRecorder',
  'DeleteConfigurationRecorder',
  'DeleteDetector',
]);
const privilegeAction =
  /^(?:Attach|Detach|Put|Delete|Create|Update|Set)\w*(?:Policy|PolicyVersion|Permission|PermissionsBoundary|Role|LoginProfile|AccessKey)$|^(?:Add|Remove)\w*(?:Group|Role|Profile)$/;
const objectAction = /^(?:Get|Put|Copy|Delete|Restore|Select|Head)Objects?(?:Content)?$/;

function categoryOf(action: string, source: string, outcome: string, readOnly: JsonValue | undefined): Category | undefined {
  if (authentication.has(action) || source.startsWith('signin.') || (source.startsWith('sts.') && action.startsWith('AssumeRole')))
    return 'authentication';
  if (outcome === 'denied') return 'authorization_denied';
  if (trailControl.has(action)) return 'log_control';
  if ((source.startsWith('iam.') || source.startsWith('organizations.')) && privilegeAction.test(action)) return 'privilege';
  if (source.startsWith('s3.') && objectAction.test(action)) return 'file_access';
  return readOnly === false ? 'config_change' : undefined;
}

function crudOf(action: string, readOnly: JsonValue | undefined): Crud | undefined {
  if (readOnly === true) return 'r';
  if (/^(?:Create|Run|Allocate|Add|Import)/.test(action)) return 'c';
  if (/^(?:Delete|Remove|Terminate|Release)/.test(action)) return 'd';
  return readOnly === false ? 'u' : undefined;
}

/** What a request named, by the parameter's name, where the record lists no `resources`. */
const targetParameters: readonly (readonly [parameter: string, type: string])[] = [
  ['bucketName', 'AWS::S3::Bucket'],
  ['userName', 'AWS::IAM::User'],
  ['roleArn', 'AWS::IAM::Role'],
  ['roleName', 'AWS::IAM::Role'],
  ['groupName', 'AWS::IAM::Group'],
  ['policyArn', 'AWS::IAM::ManagedPolicy'],
  ['instanceId', 'AWS::EC2::Instance'],
  ['functionName', 'AWS::Lambda::Function'],
  ['secretId', 'AWS::SecretsManager::Secret'],
  ['keyId', 'AWS::KMS::Key'],
  ['tableName', 'AWS::DynamoDB::Table'],
  ['dBInstanceIdentifier', 'AWS::RDS::DBInstance'],
];

/** Targets out of `resources`, whose members they take over, else out of the request, from where they move too. */
function readTargets(sent: JsonObject, moves: Move[]): JsonObject[] {
  const { resources, requestParameters: parameters } = sent;
  if (Array.isArray(resources) && resources.length > 0 && resources.every(isResource)) {
    delete sent.resources;
    moves.push({ from: '/resources', to: '/targets' });
    return resources.map(({ ARN, ARNPrefix, type, ...rest }) => ({ ...rest, type: type ?? 'AWS', id: ARN ?? ARNPrefix }) as JsonObject);
  }
  const targets: JsonObject[] = [];
  if (!isJsonObject(parameters)) return targets;
  for (const [name, type] of targetParameters) {
    const value = parameters[name];
    if (typeof value !== 'string' || value === '') continue;
    moves.push({ from: `/requestParameters/${name}`, to: `/targets/${targets.length}/id` });
    targets.push({ type, id: value });
    delete parameters[name];
  }
  if (targets.length > 0 && Object.keys(parameters).length === 0) delete sent.requestParameters;
  return targets;
}

/** One that has exactly one name: an ARN, or the prefix of many. */
function isResource(value: JsonValue): value is JsonObject {
  if (!isJsonObject(value) || (value.type !== undefined && typeof value.type !== 'string') || 'id' in value) return false;
  return (typeof value.ARN === 'string') !== (typeof value.ARNPrefix === 'string') && (value.ARN === undefined) !== (value.ARNPrefix === undefined);
}

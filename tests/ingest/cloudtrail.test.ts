import { describe, expect, it } from 'vitest';
import type { Incoming } from '../../src/ingest/incoming.ts';
import { readEvents } from '../../src/ingest/read-events.ts';

const base = { eventVersion: '1.08', eventSource: 's3.amazonaws.com', eventName: 'GetObject', eventTime: '2026-11-22T06:07:08Z', eventID: 'f00d' };

function read(record: object | string): Incoming {
  return readEvents(Buffer.from(typeof record === 'string' ? record : JSON.stringify({ ...base, ...record })), 'cloudtrail')[0] as Incoming;
}

describe('a CloudTrail record', () => {
  it('moves what the event has a place for, and keeps the rest in its own words', () => {
    const { event, id, timeMs, notes } = read({
      userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/ada', principalId: 'AIDAX', userName: 'ada', accountId: '111122223333' },
      sourceIPAddress: '198.51.100.7',
      userAgent: 'aws-cli',
      requestID: 'r-1',
      errorCode: 'AccessDenied',
      errorMessage: 'no',
      readOnly: true,
      awsRegion: 'eu-central-1',
      responseElements: null,
      resources: [{ ARN: 'arn:aws:s3:::b', type: 'AWS::S3::Bucket', accountId: '111122223333' }, { ARNPrefix: 'arn:aws:s3:::b/' }],
    });
    expect({ id, timeMs, notes }).toEqual({ id: 'f00d', timeMs: Date.parse(base.eventTime), notes: [] });
    expect(event).toEqual({
      id: 'f00d',
      time: '2026-11-22T06:07:08.000Z',
      source: 's3.amazonaws.com',
      action: 'GetObject',
      reason: 'AccessDenied',
      message: 'no',
      outcome: 'denied',
      category: 'authorization_denied',
      crud: 'r',
      actor: { type: 'user', id: 'arn:aws:iam::111122223333:user/ada', name: 'ada' },
      context: { ip: '198.51.100.7', userAgent: 'aws-cli', requestId: 'r-1' },
      targets: [
        { type: 'AWS::S3::Bucket', id: 'arn:aws:s3:::b', accountId: '111122223333' },
        { type: 'AWS', id: 'arn:aws:s3:::b/' },
      ],
      metadata: {
        eventVersion: '1.08',
        userIdentity: { type: 'IAMUser', principalId: 'AIDAX', accountId: '111122223333' },
        readOnly: true,
        awsRegion: 'eu-central-1',
        responseElements: null,
      },
    });
  });

  it.each([
    ['GetObject', 's3.amazonaws.com', { readOnly: true }, 'file_access', 'success', 'r'],
    ['ConsoleLogin', 'signin.amazonaws.com', { responseElements: { ConsoleLogin: 'Failure' } }, 'authentication', 'failure', undefined],
    ['ConsoleLogin', 'signin.amazonaws.com', { responseElements: { ConsoleLogin: 'Success' } }, 'authentication', 'success', undefined],
    ['AssumeRole', 'sts.amazonaws.com', { readOnly: true }, 'authentication', 'success', 'r'],
    ['StopLogging', 'cloudtrail.amazonaws.com', { readOnly: false }, 'log_control', 'success', 'u'],
    ['AttachUserPolicy', 'iam.amazonaws.com', { readOnly: false }, 'privilege', 'success', 'u'],
    ['AddUserToGroup', 'iam.amazonaws.com', { readOnly: false }, 'privilege', 'success', 'c'],
    ['TerminateInstances', 'ec2.amazonaws.com', { readOnly: false }, 'config_change', 'success', 'd'],
    ['RunInstances', 'ec2.amazonaws.com', { readOnly: false, errorCode: 'Client.UnauthorizedOperation' }, 'authorization_denied', 'denied', 'c'],
    ['DescribeInstances', 'ec2.amazonaws.com', { readOnly: true, errorCode: 'Client.InvalidInstanceID' }, undefined, 'failure', 'r'],
    ['Mystery', 'x.amazonaws.com', {}, undefined, 'success', undefined],
  ])('%s at %s %j', (eventName, eventSource, more, category, outcome, crud) => {
    const { event } = read({ eventName, eventSource, ...more });
    expect([event['category'], event['outcome'], event['crud']]).toEqual([category, outcome, crud]);
  });

  it.each([
    [
      { type: 'AWSService', invokedBy: 'cloudtrail.amazonaws.com' },
      { type: 'service', id: 'cloudtrail.amazonaws.com' },
    ],
    [{ invokedBy: 'AWS Internal' }, { type: 'service', id: 'AWS Internal' }],
    [
      { type: 'AWSAccount', principalId: 'ANONYMOUS_PRINCIPAL', accountId: 'ANONYMOUS_PRINCIPAL' },
      { type: 'anonymous', id: 'ANONYMOUS_PRINCIPAL' },
    ],
    [
      { type: 'AssumedRole', arn: 'arn:x', invokedBy: 'x' },
      { type: 'user', id: 'arn:x' },
    ],
    [{ type: 'Unknown' }, { type: 'user' }],
  ])('says who acted: %j', (userIdentity, actor) => {
    expect(read({ userIdentity }).event['actor']).toEqual(actor);
  });

  it('has no actor where nobody is named', () => {
    expect(read({ userIdentity: null }).event).not.toHaveProperty('actor');
    expect(read({ userIdentity: { arn: 'arn:x' } }).event['metadata']).toEqual({ eventVersion: '1.08' });
  });

  it('leaves the name of a service where an address should be', () => {
    const { event } = read({ sourceIPAddress: 'cloudtrail.amazonaws.com' });
    expect(event['context']).toBeUndefined();
    expect(event['metadata']).toMatchObject({ sourceIPAddress: 'cloudtrail.amazonaws.com' });
  });

  it('takes targets from the request where no resources are listed, and no more of it', () => {
    const { event } = read({ requestParameters: { bucketName: 'b', userName: '', roleName: 'r', x: 1 }, resources: [] });
    expect(event['targets']).toEqual([
      { type: 'AWS::S3::Bucket', id: 'b' },
      { type: 'AWS::IAM::Role', id: 'r' },
    ]);
    expect(event['metadata']).toMatchObject({ requestParameters: { userName: '', x: 1 }, resources: [] });
    expect(read({ requestParameters: { bucketName: 'b' } }).event['metadata']).toEqual({ eventVersion: '1.08' });
    expect(read({ requestParameters: {} }).event['metadata']).toEqual({ eventVersion: '1.08', requestParameters: {} });
  });

  it.each([
    [['x']],
    [[{ type: 'x' }]],
    [[{ ARN: 'a', ARNPrefix: 'b' }]],
    [[{ ARN: 1 }]],
    [[{ ARN: 'a', type: 1 }]],
    [[{ ARN: 'a', id: 'taken' }]],
    ['x'],
  ])('leaves resources it does not understand: %j', (resources) => {
    const { event } = read({ resources });
    expect(event).not.toHaveProperty('targets');
    expect(event['metadata']).toMatchObject({ resources });
  });

  it('notes a time that cannot be read, and keeps one with an offset', () => {
    expect(read({ eventTime: 'noon' })).toMatchObject({
      event: { metadata: { eventTime: 'noon' } },
      notes: [{ pointer: '/metadata/eventTime', note: 'time_unreadable' }],
    });
    expect(read({ eventTime: 5 }).notes.length).toBe(1);
    expect(read({ eventTime: undefined }).notes).toEqual([]);
    expect(read({ eventTime: '2026-11-22T07:07:08+01:00' }).event).toMatchObject({
      time: '2026-11-22T06:07:08.000Z',
      metadata: { eventTime: '2026-11-22T07:07:08+01:00' },
    });
  });

  it('says of numbers kept as text where they are now', () => {
    const text =
      '{"eventVersion":"1","eventSource":"s","eventName":"n","userIdentity":{"userName":1e999,"n":1e999},"resources":[{"ARN":"a","n":1e999}],"requestID":1e999}';
    const { event, notes } = read(text);
    expect(event['actor']).toEqual({ type: 'user', name: '1e999' });
    expect(notes.map(({ pointer }) => pointer)).toEqual(['/actor/name', '/metadata/userIdentity/n', '/targets/0/n', '/context/requestId']);
    const [one] = readEvents(
      Buffer.from('{"eventVersion":"1","eventSource":"s","eventName":"","requestParameters":{"keyId":1e999}}'),
      'auto',
    ) as Incoming[];
    expect(one).toMatchObject({
      event: { targets: [{ id: '1e999' }], metadata: { eventName: '' } },
      notes: [{ pointer: '/targets/0/id', note: 'number_kept_as_string' }],
    });
  });
});

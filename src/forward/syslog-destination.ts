/**
 * Syslog: RFC 5424 messages over TLS (RFC 5425) or TCP, each with its length before it (RFC 6587, 3.4.1). The message is the envelope's JSON, in ASCII.
 *
 * Syslog confirms nothing. So each batch has a connection of its own: all is written, our side is closed, and the batch counts as delivered when the
 * receiver closes its side after that, without an error. A system whose program has not read all that came answers with a reset, so the program has
 * read to the end. A receiver that had closed before it got anything answers what is written with a reset, too, one round trip later: our side is
 * closed no earlier than that. A connection that breaks, and one on which nothing happens in time, deliver nothing: the batch is sent again. What
 * the receiver does with what it has read is not known.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseAddress } from '../access/networks.ts';
import { connectionError, DeliveryError, type Destination, type Item, type OutgoingBatch } from './destination.ts';
import { checkHost, guardedLookup, meantAddresses } from './guarded-lookup.ts';
import type { SyslogSetting } from './setting.ts';

/** RFC 5424, table 2, by the event's severity: informational, notice, warning, error, critical. */
const severities: Readonly<Record<number, number>> = { 1: 6, 2: 5, 3: 4, 4: 3, 5: 2 };
const severityDefault = 6;

export function createSyslogDestination(setting: SyslogSetting): Destination {
  return {
    async send(batch, signal) {
      checkHost(setting.host, meantOf(setting));
      try {
        await deliver(() => open(setting), frames(batch, setting.facility), AbortSignal.any([signal, AbortSignal.timeout(setting.timeoutMs)]));
      } catch (error) {
        throw connectionError(error);
      }
    },
    forget: () => undefined,
    close: () => undefined,
  };
}

function meantOf({ tls, private: isPrivateMeant }: SyslogSetting): ReturnType<typeof meantAddresses> {
  return meantAddresses({ isPrivateMeant, isSecure: tls });
}

function open(setting: SyslogSetting): Socket {
  const { host, port, tls, ca } = setting;
  const place = { host, port, lookup: guardedLookup(meantOf(setting)), allowHalfOpen: true };
  if (!tls) return connect(place);
  return connectTls({ ...place, minVersion: 'TLSv1.2', ...(parseAddress(host) ? {} : { servername: host }), ...(ca === undefined ? {} : { ca }) });
}

/** Twice what it took to connect, which is a round trip at least. */
const pauseMsMin = 20;
const pauseMsMax = 2_000;

function deliver(openSocket: () => Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const startedAt = performance.now();
    const socket = openSocket();
    let timer: NodeJS.Timeout | undefined;
    let isEnded = false;
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const stop = (): void => settle(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', settle);
    socket.on('end', () => settle(isEnded ? undefined : new DeliveryError('closed_early')));
    socket.on('close', () => settle(new DeliveryError('closed_early')));
    // Nothing is expected to come; what does is not read.
    socket.resume();
    socket.write(bytes, () => {
      const pauseMs = Math.min(pauseMsMax, pauseMsMin + 2 * (performance.now() - startedAt));
      timer = setTimeout(() => {
        isEnded = true;
        socket.end();
      }, pauseMs);
    });
  });
}

function frames({ log, origin, items }: OutgoingBatch, facility: number): Buffer {
  const host = printable(origin.split('/')[0] as string, 255);
  const about = `${host} veiltrail - ${printable(log, 32)} -`;
  return Buffer.concat(items.map((item) => frame(item, facility, about)));
}

function frame({ receivedAtMs, severity = 0, json }: Item, facility: number, about: string): Buffer {
  const priority = facility * 8 + (severities[severity] ?? severityDefault);
  const message = Buffer.from(`<${priority}>1 ${new Date(receivedAtMs).toISOString()} ${about} ${ascii(json)}`);
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** JSON with everything beyond ASCII escaped: a message in UTF-8 would have to begin with a byte order mark, which many take for a part of it. */
function ascii(json: string): string {
  return json.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function printable(text: string, max: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, max) || '-';
}

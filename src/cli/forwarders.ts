/** What the commands about forwarders work on: a server, or a data directory that none has. The same steps, the same answers. */
import type { ForwarderInfo } from '../app/forwarders.ts';
import type { ForwarderSetting } from '../forward/setting.ts';
import { createAdministrationClient } from '../sdk/administration.ts';
import { dataDirOf, readKey } from './connection.ts';
import type { ProtectionOptions, WhyOptions } from './protection.ts';
import { localPerson } from './request-desk.ts';
import { withTrailHere } from './trail-here.ts';

export interface ForwardersHere {
  list(): Promise<ForwarderInfo[]>;
  set(setting: ForwarderSetting, why: WhyOptions & { purpose: string }): Promise<ForwarderInfo>;
  remove(name: string): Promise<void>;
  resume(name: string): Promise<ForwarderInfo>;
}

/** Uses what the options name, and closes it again. On a directory nothing is delivered: a server does that, once it runs. */
export async function withForwarders<T>(options: ProtectionOptions, use: (forwarders: ForwardersHere) => Promise<T>): Promise<T> {
  if (options.url !== undefined) {
    const client = createAdministrationClient({ url: options.url, key: readKey(options.key) });
    return use({
      list: async () => (await client.forwarders()) as unknown as ForwarderInfo[],
      set: async ({ name, ...setting }, why) => (await client.setForwarder(name, { ...setting, ...whyOf(why) })) as unknown as ForwarderInfo,
      remove: (name) => client.removeForwarder(name),
      resume: async (name) => (await client.resumeForwarder(name)) as unknown as ForwarderInfo,
    });
  }
  return withTrailHere(dataDirOf(options), ({ forwarders }) => {
    const by = localPerson(undefined);
    return use({
      list: () => forwarders.list(),
      set: (setting, why) => forwarders.set(setting, { ...by, ...whyOf(why) }),
      remove: (name) => forwarders.remove(name, by),
      resume: (name) => forwarders.resume(name, by),
    });
  });
}

function whyOf({ purpose, reference, request }: WhyOptions & { purpose: string }): { purpose: string; reference?: string; request?: string } {
  return { purpose, ...(reference === undefined ? {} : { reference }), ...(request === undefined ? {} : { request }) };
}

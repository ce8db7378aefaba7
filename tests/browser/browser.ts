/** A real Chromium, driven by playwright-core: the one that comes with npm, or the one of the machine. Undefined, with the reason, where none runs. */
import { existsSync } from 'node:fs';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as driver } from 'playwright-core';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const installed = ['/usr/bin/chromium', '/usr/bin/google-chrome'];

export async function openBrowser(): Promise<Browser | { absent: string }> {
  const reasons: string[] = [];
  const found = installed.filter((path) => existsSync(path));
  for (const find of [() => chromium.executablePath(), ...found.map((path) => () => Promise.resolve(path))]) {
    try {
      return await driver.launch({ executablePath: await find(), args });
    } catch (error) {
      reasons.push(String(error).split('\n')[0] as string);
    }
  }
  return { absent: reasons.join('; ') };
}

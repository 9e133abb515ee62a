/* The pictures of README and guide: `tools/web shots`. Light, of a host of fixtures. */
import { close, fixtures, open, shot } from './lib.mjs';

const host = await fixtures('--open');
const { page, at } = await open(host.url);
await page.setViewportSize({ width: 1200, height: 760 });

await at('#/overview');
// until the first rates are there
await page.locator('.talkers .rate', { hasText: 'bit/s' }).first().waitFor();
await page.waitForFunction(() => (document.querySelector('.talkers polyline')?.getAttribute('points') ?? '').split(' ').length > 9);
await shot(page, 'overview');

await at('#/groups');
await page.getByRole('row').filter({ hasText: 'kafka.queue' }).getByRole('button', { name: 'protect' }).click();
await page.getByRole('dialog').getByText('would have been blocked').waitFor();
await shot(page, 'preview');

await at('#/events?kind=signature');
await page.getByRole('row').filter({ hasText: 'Log4Shell' }).click();
await page.getByRole('button', { name: 'Show the bytes' }).click();
await page.locator('.hex .marked').first().waitFor();
await shot(page, 'evidence');
await close();

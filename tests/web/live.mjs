import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { axe, close, finish, open, part, point, shot } from './lib.mjs';

const link = process.argv[2];
const url = link.slice(0, link.indexOf('#'));

/* app says nothing and hears "hello" from web, or does not. */
const greets = (port) =>
	new Promise((done) =>
		execFile(
			'nsenter',
			['--net=/run/netns/app', 'socat', '-T4', '-', `TCP:10.9.0.2:${port},connect-timeout=3`],
			{ timeout: 20_000 },
			(_e, out) => done(out.includes('hello')),
		).stdin.end(),
	);
/* What has come into force reaches a workload's next connection. */
async function until(want, port) {
	for (let i = 0; i < 20; i++) if ((await greets(port)) === want) return true;
	return false;
}

await part('the story', async () => {
	const b = await open(url, { expected: ['401'] }); // who it is, is asked before somebody is
	const { page } = b;
	const dialog = page.getByRole('dialog');

	await page.goto(link);
	await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
	await page.getByLabel('The same password again').fill('correct horse battery');
	await page.getByRole('button', { name: 'Make the user' }).click();
	await page.getByRole('heading', { name: 'All 2 workloads are guarded' }).waitFor();
	point(true, 'the printed link lets one in, and the overview says in a sentence that both workloads are guarded');
	await page.locator('nav .signal.up').waitFor();
	point(true, 'it is live');

	await page.getByRole('link', { name: 'Workloads', exact: true }).click();
	await page.getByRole('row').filter({ hasText: 'web' }).first().waitFor();
	point((await page.getByRole('grid').getAttribute('aria-rowcount')) === '3', 'both are listed');
	await page.getByRole('row').filter({ hasText: '10.9.0.2' }).click();
	await page.locator('aside', { hasText: 'watched' }).waitFor();
	point(true, 'with what is done to them');

	/* --- seen --- */

	await b.at('#/map?view=list');
	const edge = page.getByRole('row').filter({ hasText: 'tcp/8080' });
	await page.locator('nav .signal.up').waitFor();
	const before = await edge.count();
	await greets(8080);
	await edge.filter({ hasText: 'app' }).filter({ hasText: 'web' }).waitFor();
	point(before === 0, 'an edge appears on the map when they talk');

	/* --- learned --- */

	point((await until(true, 8080)) && (await until(true, 8081)), 'in discover all passes');
	await page.getByRole('link', { name: 'Learned' }).click();
	// both are recorded: what comes next looks at what was
	for (const port of [8080, 8081]) await page.getByRole('row').filter({ hasText: `tcp/${port}` }).waitFor();
	await shot(page, 'live-learned');
	await page.getByRole('row').filter({ hasText: 'tcp/8080' }).getByRole('link', { name: 'app' }).click();
	const from = page.locator('aside').filter({ hasText: 'Where it comes from' });
	await from.getByRole('link', { name: 'web', exact: true }).waitFor();
	point(await from.getByRole('link', { name: 'app', exact: true }).isVisible(), 'a proposal says whom it was seen with');
	await page.keyboard.press('Escape');
	await from.waitFor({ state: 'detached' });
	await page.getByRole('row').filter({ hasText: 'tcp/8080' }).getByRole('button', { name: 'Accept' }).click();
	await page.getByText('1 rule is in force').waitFor();
	point(true, 'what was seen is proposed, and accepted');

	/* --- protected --- */

	await page.getByRole('link', { name: 'Groups and modes' }).first().click();
	const web = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'web', exact: true }) });
	await web.getByRole('button', { name: 'protect' }).click();
	await dialog.getByText('would have been blocked').waitFor();
	const text = await dialog.innerText();
	point(/tcp\/8081/.test(text) && !/tcp\/8080/.test(text), 'the preview has what no rule allows, and only that', text);
	await shot(page, 'live-preview');
	await dialog.getByRole('button', { name: 'Switch to protect' }).click();
	await web.locator('[aria-pressed=true]', { hasText: 'protect' }).waitFor();
	point((await until(false, 8081)) && (await until(true, 8080)), 'protect blocks what no rule allows, and nothing else');

	/* --- found --- */

	await page.getByRole('link', { name: 'Overview' }).click();
	const block = page.getByRole('link', { name: /app.*web.*8081/ }).first();
	await block.waitFor();
	point(/no rule allows it/.test(await block.innerText()), 'the overview shows what was blocked, and why', await block.innerText());
	await shot(page, 'live-overview');
	point((await axe(page)) === '', 'axe finds nothing serious there', await axe(page));
	await block.click();
	await page.getByText('web was in mode protect, and no rule allowed this').waitFor();
	await shot(page, 'live-event');
	point(true, 'its evidence says which mode, and that no rule allows it');
	point((await axe(page)) === '', 'axe finds nothing serious there', await axe(page));
	await page.getByRole('button', { name: 'Make a rule of this' }).click();
	await page.getByRole('link', { name: 'To the policy' }).waitFor();
	point((await page.locator('nav .count').innerText()) === '1', 'a rule is made of it');
	await page.locator('aside').getByRole('button', { name: 'Undo' }).click();
	await page.locator('nav .count').waitFor({ state: 'detached' });
	point(true, 'and taken back');
	await page.getByRole('button', { name: 'Make a rule of this' }).click();
	await page.locator('aside').getByRole('link', { name: 'To the policy' }).click();
	await page.getByRole('button', { name: 'Compare and apply' }).click();
	await dialog.getByText('from event').waitFor();
	await shot(page, 'live-diff');
	point(/allow app → web\s+tcp\/8081/.test(await dialog.innerText()), 'the policy page shows what it would change', await dialog.innerText());
	await dialog.getByRole('button', { name: 'Apply' }).click();
	await page.getByText(/^Revision \d+ is in force/).waitFor();
	point(await until(true, 8081), 'applied, what was blocked passes');
	// the message has an Undo, too, and may be gone by now
	await page.getByRole('tab', { name: 'History' }).click();
	const last = page.getByRole('grid', { name: 'History' }).getByRole('row').filter({ hasText: 'in force' });
	await last.waitFor();
	point(/a policy was applied: 1 rule added\s+admin/.test(await last.innerText()), 'the history says who did it, and what', await last.innerText());
	await page.getByRole('button', { name: 'Go back to it' }).first().click();
	await dialog.getByRole('button', { name: 'Go back to it' }).click();
	await page.getByText(/Back at revision/).waitFor();
	point(await until(false, 8081), 'undone, it is blocked again');

	/* --- looked at, and ended --- */

	await b.at('#/policy');
	await page.waitForFunction(() => Number(document.querySelector('[data-rule="10000"] .hits')?.title) > 0);
	point(true, 'a rule says how often it decided');
	await b.at('#/flows/recorded?violations=yes');
	await page.getByRole('row').filter({ hasText: 'tcp/8081' }).filter({ hasText: 'blocked' }).first().waitFor();
	point(true, 'what was blocked is among the recorded flows');
	await b.at('#/flows');
	const held = spawn('nsenter', ['--net=/run/netns/app', 'socat', '-', 'TCP:10.9.0.2:8080,connect-timeout=3'], { stdio: ['pipe', 'ignore', 'ignore'] });
	const alive = page.getByRole('grid', { name: 'Open now' }).getByRole('row').filter({ hasText: 'tcp/8080' });
	await alive.getByRole('checkbox').first().check();
	await page.getByRole('button', { name: 'End 1 connection' }).click();
	await dialog.getByRole('button', { name: 'End 1 connection' }).click();
	await page.getByText('1 connection is ended').waitFor();
	point(true, 'a connection that is open is ended');
	held.kill();

	await b.at('#/capture');
	await page.getByRole('button', { name: 'Start a capture' }).first().click();
	await dialog.getByLabel('Workload').fill('web');
	await dialog.getByRole('button', { name: 'Start' }).click();
	await page.getByText('running').waitFor();
	await greets(8080);
	await page.getByRole('button', { name: 'Stop', exact: true }).click();
	const ready = page.getByRole('link', { name: /^Download capture/ });
	await ready.waitFor();
	const [file] = await Promise.all([page.waitForEvent('download'), ready.click()]);
	const bytes = await readFile(await file.path());
	point(bytes.readUInt32BE(0) === 0x0a0d0d0a && bytes.includes('hello'), 'what web says is captured, and fetched', bytes.length);

	await b.at('#/signatures');
	await page.getByRole('button', { name: 'Load a file' }).first().click();
	await dialog.getByLabel('Name').fill('mine.rules');
	await dialog.getByLabel('Rules', { exact: true }).fill('alert tcp any any -> any any (msg:"mine"; content:"mine"; sid:1; rev:1;)\n');
	await dialog.getByRole('button', { name: 'Load' }).click();
	await page.getByText('1 in force').waitFor();
	point(true, 'a signature comes into force');
	await b.at('#/settings/agent');
	const days = page.getByLabel('Keep flows for', { exact: true });
	await days.fill('7');
	await days.press('Tab');
	await page.getByRole('button', { name: 'Save what changed' }).click();
	await page.locator('.save').waitFor({ state: 'detached' });
	await page.reload();
	await days.waitFor();
	point((await days.inputValue()) === '7', 'a setting is changed, and stays', await days.inputValue());

	/* --- cut off --- */

	await page.getByRole('link', { name: 'Workloads', exact: true }).click();
	await page.getByRole('row').filter({ hasText: '10.9.0.3' }).click();
	await page.getByRole('button', { name: 'Cut off' }).click();
	await dialog.getByLabel('Why').fill('suspicious');
	await dialog.getByRole('button', { name: 'Cut off' }).click();
	await page.getByText('Cut off: suspicious').waitFor();
	point(await until(false, 8080), 'a workload that is cut off reaches nobody');
	await page.getByRole('button', { name: 'Let it speak again' }).click();
	await page.getByText('Cut off: suspicious').waitFor({ state: 'detached' });
	point(await until(true, 8080), 'and again all that it may');

	for (const name of ['map', 'policy', 'flows', 'capture', 'signatures', 'settings']) {
		await b.at(`#/${name}`);
		const found = await axe(page);
		point(found === '', `${name}: axe finds nothing serious`, found);
		await shot(page, `live-${name}`);
	}
	point(b.complaints.length === 0, 'the browser had no complaint', b.complaints.join('\n'));
	point(b.strangers.length === 0, 'and asked nobody else', b.strangers.join('\n'));
});
await close();
process.exit(finish());

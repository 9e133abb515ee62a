import { axe, close, cutOff, finish, fixtures, open, overflow, part, point, settled, shot } from './lib.mjs';

const PAGES = [
	['fleet'], ['fleet/edge-2', 'fleet-node'], ['fleet/host-1', 'fleet-here'],
	['events?fleet=yes', 'fleet-events'], ['flows/recorded?fleet=yes', 'fleet-flows'],
];

/* --- as it looks --------------------------------------------------------------------- */

async function looksOf(how, pages, size, scheme, expected = []) {
	const host = await fixtures('--open', '--quiet', '--fleet', how);
	const b = await open(host.url, { size, scheme, expected });
	for (const [hash, name = hash] of pages)
		await part(`${name}, ${how}, ${size}, ${scheme}`, async () => {
			const what = `${name}, ${how}, ${size}, ${scheme}`;
			await b.at(`#/${hash}`);
			await shot(b.page, `${name}-${how}-${size}-${scheme}`);
			const found = await axe(b.page);
			point(found === '', `${what}: axe finds nothing serious`, found);
			const wide = await overflow(b.page);
			point(wide === '', `${what}: nothing overflows`, wide);
			const cut = await cutOff(b.page);
			point(cut === '', `${what}: no badge, switch or button is cut off`, cut);
		});
	point(b.complaints.length === 0, `${how}, ${size}, ${scheme}: the browser has no complaint`, b.complaints.join('\n'));
	point(b.strangers.length === 0, `${how}, ${size}, ${scheme}: nothing comes from elsewhere`, b.strangers.join('\n'));
}

async function looks() {
	for (const size of ['desktop', 'phone'])
		for (const scheme of ['light', 'dark']) {
			await looksOf('editor', PAGES, size, scheme);
			await looksOf('cut-off', [['fleet'], ['events?fleet=yes', 'fleet-events']], size, scheme, ['503']);
			await looksOf('alone', [['fleet']], size, scheme);
		}
}

/* --- nodes ----------------------------------------------------------------------------- */

async function nodes() {
	const host = await fixtures('--open', '--quiet', '--fleet', 'editor');
	const b = await open(host.url);
	const { page } = b;
	const row = (node) => page.getByRole('grid', { name: 'Fleet' }).getByRole('row').filter({ hasText: node });
	await b.at('#/overview');
	await page.getByRole('link', { name: 'Fleet', exact: true }).click();
	await page.getByRole('heading', { name: 'Fleet weir' }).waitFor();
	point(true, 'a host of a fleet has a page for it');
	await row('host-1').waitFor();
	point(/this host/.test(await row('host-1').innerText()) && /revision 41\s*in force/.test(await row('host-1').innerText()), 'this host is one of them', await row('host-1').innerText());
	point(/policy refused/.test(await row('berlin').innerText()), 'one that cannot take the policy', await row('berlin').innerText());
	point(/revision 39\s*behind/.test(await row('edge-2').innerText()) && /0\.0\.9/.test(await row('edge-2').innerText()), 'one that is behind, of another version', await row('edge-2').innerText());
	point(/silent/.test(await row('spare').innerText()) && /2 h ago/.test(await row('spare').innerText()), 'one that is silent', await row('spare').innerText());
	await page.getByRole('combobox', { name: 'Filter' }).fill('state:silent');
	await page.keyboard.press('Enter');
	await page.locator('[role=grid][aria-rowcount="2"]').waitFor();
	point(true, 'a filter leaves those of a state');

	await b.at('#/fleet/berlin-rack-07-node-12');
	await page.getByText('It could not take the policy: rules: more than 20,000 rules').waitFor();
	point(true, 'why it was refused is told');
	await page.getByRole('link', { name: 'Its events' }).click();
	await page.locator('[role=grid][aria-label=Events] [role=row][data-at]').first().waitFor();
	const of = await page.locator('[role=grid][aria-label=Events] [role=row][data-at]').allInnerTexts();
	point(of.length > 0 && of.every((x) => x.includes('berlin')), 'its events are one click', of[0]);

	await b.at('#/fleet/spare');
	await page.getByRole('button', { name: 'Forget' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByText('gone for good').waitFor();
	await shot(page, 'forget-desktop-light');
	point((await axe(page)) === '', 'its dialog: axe finds nothing serious', await axe(page));
	await dialog.getByRole('button', { name: 'Cancel' }).click();
	point((await row('spare').count()) === 1, 'cancelled, it is there');
	await page.getByRole('button', { name: 'Forget' }).click();
	await dialog.getByRole('button', { name: 'Forget' }).click();
	await page.getByText('spare is forgotten').waitFor();
	await row('spare').waitFor({ state: 'detached' });
	point(true, 'and else it is forgotten');
	await b.at('#/fleet/host-1');
	await page.getByText('3 records were too large').waitFor();
	point((await page.getByRole('button', { name: 'Forget' }).count()) === 0, 'this host tells what it delivered, and cannot be forgotten here');
	point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
}

/* --- events and flows ---------------------------------------------------------------------- */

async function recorded() {
	const host = await fixtures('--open', '--quiet', '--fleet', 'editor');
	const b = await open(host.url);
	const { page } = b;
	const grid = page.getByRole('grid', { name: 'Events' });
	const body = grid.locator('[role=row][data-at]');
	await b.at('#/events');
	point((await grid.getByRole('columnheader', { name: 'Node' }).count()) === 0, 'events begin with this host\'s');
	await page.getByRole('group', { name: 'Of whom' }).getByRole('button', { name: 'Fleet' }).click();
	await grid.getByRole('columnheader', { name: 'Node' }).waitFor();
	await body.first().waitFor();
	const nodes = new Set((await body.allInnerTexts()).map((x) => /host-1|edge-1|edge-2|berlin|spare/.exec(x)?.[0]));
	point(nodes.size > 2 && !nodes.has(undefined), 'switched, each has its node', [...nodes].join(' '));
	point((await page.evaluate(() => location.hash)).includes('fleet=yes'), 'which is a part of the address');
	await page.getByText('The last 2,000 messages of nodes were looked at').waitFor();
	point(true, 'that not all was looked at is told');
	await page.getByRole('button', { name: 'Show older ones' }).click();
	await page.getByText('1 message of a node could not be read').waitFor();
	point(Number(await grid.getAttribute('aria-rowcount')) > 501, 'older ones follow', await grid.getAttribute('aria-rowcount'));

	await b.at('#/events?fleet=yes&kind=signature');
	await body.filter({ hasText: 'edge-1' }).first().click();
	await page.getByText('Recorded by').waitFor();
	point((await page.getByRole('button', { name: 'Show the bytes' }).count()) === 0 && (await page.getByText('on that node alone').isVisible()), 'an event of another node: its bytes are there');
	await page.getByRole('link', { name: 'edge-1', exact: true }).click();
	await page.getByRole('heading', { name: 'Fleet weir' }).waitFor();
	point(/fleet\/edge-1/.test(await page.evaluate(() => location.hash)), 'and its node is one click');

	// what comes later, each once
	await b.at('#/events?fleet=yes&kind=threat');
	await body.first().waitFor();
	const had = Number(await grid.getAttribute('aria-rowcount'));
	await page.route('**/api/v1/events?*', async (r) => {
		const answer = await r.fetch({ headers: { ...r.request().headers(), 'if-none-match': '' } });
		const json = await answer.json();
		json.events.unshift({ ...json.events[0], number: 99_999, node: 'edge-2', at: json.events[0].at + 1 });
		await r.fulfill({ response: answer, json });
	});
	await page.locator(`[role=grid][aria-label=Events][aria-rowcount="${had + 1}"]`).waitFor();
	point(/edge-2/.test(await body.first().innerText()), 'newer ones come by themselves', await body.first().innerText());
	await page.unroute('**/api/v1/events?*');
	await page.getByRole('group', { name: 'Of whom' }).getByRole('button', { name: 'This host' }).click();
	await grid.getByRole('columnheader', { name: 'Node' }).waitFor({ state: 'detached' });
	point(!(await page.evaluate(() => location.hash)).includes('fleet'), 'and back to this host\'s');
	await b.at('#/events?fleet=yes');
	for (const [scope, n] of [['This host', 0], ['Fleet', 1], ['This host', 0], ['Fleet', 1]]) {
		await page.getByRole('group', { name: 'Of whom' }).getByRole('button', { name: scope }).click();
		await page.waitForFunction((n) => [...document.querySelectorAll('[role=grid][aria-label=Events] [role=columnheader]')].filter((h) => h.innerText === 'Node').length === n && document.querySelector('[role=grid][aria-label=Events] [role=row][data-at]'), n);
	}
	point(true, 'and again');

	const flows = page.getByRole('grid', { name: 'Recorded' });
	await b.at('#/flows/recorded');
	await page.getByRole('group', { name: 'Of whom' }).getByRole('button', { name: 'Fleet' }).click();
	await flows.getByRole('columnheader', { name: 'Node' }).waitFor();
	await flows.locator('[role=row][data-at]').first().waitFor();
	await page.getByRole('button', { name: 'Show older ones' }).click();
	await page.locator('[role=grid][aria-label=Recorded][aria-rowcount="1001"]').waitFor();
	point(true, 'flows of all nodes, in pages');
	await page.getByRole('combobox', { name: 'Filter' }).fill('node:edge-2');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => {
		const rows = [...document.querySelectorAll('[role=grid][aria-label=Recorded] [role=row][data-at]')];
		return rows.length > 0 && rows.every((r) => r.innerText.includes('edge-2'));
	});
	point(true, 'and of one');
	point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
}

/* --- when it is otherwise ---------------------------------------------------------------------- */

async function others() {
	const none = await fixtures('--open', '--quiet');
	const n = await open(none.url);
	await n.at('#/events');
	await n.page.getByRole('grid', { name: 'Events' }).waitFor();
	point((await n.page.getByRole('link', { name: 'Fleet', exact: true }).count()) === 0 && (await n.page.getByRole('group', { name: 'Of whom' }).count()) === 0, 'without a fleet there is neither page nor switch');
	await n.at('#/fleet');
	await n.page.getByText('This host is of no fleet').waitFor();
	point((await axe(n.page)) === '', 'who goes there is told so', await axe(n.page));
	point(n.complaints.length === 0, 'no complaint on the way', n.complaints.join('\n'));

	const node = await fixtures('--open', '--quiet', '--fleet', 'node');
	const v = await open(node.url, { expected: ['403'] });
	await v.at('#/events');
	await v.page.getByRole('grid', { name: 'Events' }).waitFor();
	await v.page.getByRole('group', { name: 'Of whom' }).getByRole('button', { name: 'Fleet' }).click();
	await v.page.getByText('this node may not read what others recorded').waitFor();
	point((await v.page.getByRole('grid', { name: 'Events' }).count()) === 0, 'who is no editor is told so, and shown nothing else as that');
	await v.at('#/fleet/spare');
	await v.page.getByRole('button', { name: 'Forget' }).click();
	await v.page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
	await v.page.getByText('this node may not forget others').waitFor();
	point(true, 'nor does it forget others');

	const away = await fixtures('--open', '--quiet', '--fleet', 'cut-off');
	const c = await open(away.url, { expected: ['503'] });
	await c.at('#/fleet');
	await c.page.getByText('no server answers: SSL error').first().waitFor();
	const rows = await c.page.getByRole('grid', { name: 'Fleet' }).locator('[role=row][data-at]').allInnerTexts();
	point(rows.filter((r) => r.includes('not known')).length === 4 && rows.filter((r) => r.includes('cut off')).length === 1, 'who is cut off says so, and of no other that it is silent', rows.join('\n'));
	await c.at('#/events?fleet=yes');
	await c.page.getByText('This host is cut off from the fleet').waitFor();
	point(true, 'and what all recorded is not there');

	const log = await fixtures('--quiet', '--fleet', 'editor');
	const w = await open(log.url, { expected: ['401'] });
	await w.at('#/');
	await w.page.getByLabel('User').fill('bob');
	await w.page.getByLabel('Password').fill('correct horse battery');
	await w.page.keyboard.press('Enter');
	await w.page.getByRole('link', { name: 'Fleet', exact: true }).waitFor();
	await w.at('#/fleet/spare');
	point(await w.page.getByRole('button', { name: 'Forget' }).isDisabled(), 'only an admin forgets a node');
	await settled(w.page);
}

const only = process.argv.slice(2);
for (const [name, run] of Object.entries({ looks, nodes, recorded, others }))
	if (only.length === 0 || only.includes(name)) await part(name, run);
await close();
process.exit(finish());

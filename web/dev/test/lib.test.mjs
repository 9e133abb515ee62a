/* Of what has no page around it. TypeScript is stripped by esbuild, as vite does it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { transform } from 'esbuild';
import { readFile } from 'node:fs/promises';

async function load(name, folder = 'lib') {
	const text = await readFile(new URL(`../../src/${folder}/${name}.ts`, import.meta.url), 'utf8');
	const { code } = await transform(text, { loader: 'ts', format: 'esm' });
	return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

const format = await load('format');
const rows = await load('rows');
const filter = await load('filter');
const ends = await load('ends');
const hex = await load('hex');
const rule = await load('rule');
const model = await load('model', 'map');
const layout = await load('layout', 'map');
const { flat, typed, unflat } = await load('flat');
const { settingStrings: said } = await load('strings_settings');
const { defaults } = await import('../fixtures/settings.mjs');

test('a connection that two ends tell of is one', () => {
	const told = (id, more) => ({ id, proto: 'tcp', client: '10.9.0.3', client_port: 4711, server: '10.9.0.2', server_port: 80, direction: 'ingress', flags: [], ...more });
	const app = told(1, { direction: 'egress', flags: ['tap'], action: 'learn' });
	const web = told(2, { action: 'allow' });
	for (const order of [[app, web], [web, app]]) {
		const [one, ...others] = ends.connections(order);
		assert.deepEqual([one.id, one.action, one.ids.toSorted(), others], [2, 'allow', [1, 2], []]);
	}
	assert.deepEqual(ends.connections([app, told(3, { client_port: 4712 })]).map((x) => x.ids), [[1], [3]]);
	for (const [many, killed, watched, unknown, want] of [
		[1, 1, 1, 0, [1, 0, 0]], [1, 2, 0, 0, [1, 0, 0]], [1, 0, 2, 0, [0, 1, 0]], [2, 1, 2, 1, [1, 1, 0]], [1, 0, 0, 2, [0, 0, 1]],
	])
		assert.deepEqual(Object.values(ends.endedOf(many, { killed, watched, unknown })), want);
});

test('bytes and rates', () => {
	for (const [n, want] of [
		[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [99_949, '99.9 kB'], [99_951, '100 kB'],
		[999_499, '999 kB'], [999_600, '1.0 MB'], [12_345_678, '12.3 MB'], [1e15, '1.0 PB'], [1e18, '1000 PB'],
	])
		assert.equal(format.bytes(n), want, String(n));
	assert.equal(format.bitRate(1.25e9), '1.3 Gbit/s');
	assert.equal(format.bitRate(0), '0 bit/s');
});

test('times', () => {
	assert.equal(format.ago(100, 100), 'just now');
	assert.equal(format.ago(100, 90), 'just now'); // a clock that is ahead
	assert.equal(format.ago(0, 61), '1 min ago');
	assert.equal(format.ago(0, 7199), '1 h ago');
	assert.equal(format.ago(0, 3 * 86400), '3 d ago');
});

test('sorting: numbers as numbers, what is missing last, stable', () => {
	const by = (list, down) => rows.sorted(list, (x) => x.v, down).map((x) => x.k).join('');
	const list = [{ k: 'a', v: 'web-10' }, { k: 'b', v: 'web-9' }, { k: 'c', v: '' }, { k: 'd', v: 'web-9' }];
	assert.equal(by(list, false), 'bdac');
	assert.equal(by([{ k: 'a', v: 2 }, { k: 'b', v: 10 }, { k: 'c', v: 2 }], true), 'bac');
});

test('what is in sight', () => {
	assert.deepEqual(rows.inSight(1000, 36, 0, 360, 2), { first: 0, last: 12 });
	assert.deepEqual(rows.inSight(1000, 36, 36 * 500, 360, 2), { first: 498, last: 512 });
	assert.deepEqual(rows.inSight(1000, 36, 36 * 995, 360, 2), { first: 993, last: 1000 });
	assert.deepEqual(rows.inSight(3, 36, 9999, 360, 2), { first: 2, last: 3 }); // the list shrank
	assert.deepEqual(rows.inSight(0, 36, 0, 360, 2), { first: 0, last: 0 });
	// Whatever is scrolled, every row in the window is between first and last.
	for (let i = 0; i < 2000; i++) {
		const count = 1 + ((i * 7919) % 5000), height = 20 + ((i * 31) % 60), view = 100 + ((i * 17) % 900);
		const scrolled = (i * 104_729) % Math.max(1, count * height - view);
		const s = rows.inSight(count, height, scrolled, view, 0);
		assert.ok(s.first * height <= scrolled && Math.min(count, s.last) * height >= Math.min(count * height, scrolled + view));
	}
});

const FIELDS = [
	{ key: 'mode', title: 'Mode', options: ['discover', 'monitor', 'protect'] },
	{ key: 'ns', title: 'Namespace' },
];

test('filters', () => {
	assert.deepEqual(filter.parseChip('mode:Protect', FIELDS), { key: 'mode', value: 'protect' });
	assert.deepEqual(filter.parseChip(' Namespace = shop', FIELDS), { key: 'ns', value: 'shop' });
	for (const no of ['web', 'mode:', 'other:x', 'http://x', ':', ''])
		assert.equal(filter.parseChip(no, FIELDS), undefined, no);
	assert.deepEqual(filter.suggestions('mode:p', FIELDS).map((s) => s.value), ['protect']);
	assert.deepEqual(filter.suggestions('mon', FIELDS).map((s) => s.value), ['monitor']);
	assert.deepEqual(filter.suggestions('zzz', FIELDS), []);
	assert.ok(filter.hasWords('shop-web-1 172.20.0.10 protect', 'web PROTECT'));
	assert.ok(!filter.hasWords('shop-web-1', 'web db'));
});

test('bytes in hexadecimal', () => {
	const lines = hex.hexLines('00'.repeat(15) + '41ff', 0x10, { offset: 0x1f, length: 1 });
	assert.equal(lines.length, 2);
	assert.deepEqual(lines[0].cells[15], { hex: '41', text: 'A', marked: true });
	assert.deepEqual(lines[1], { offset: 0x20, cells: [{ hex: 'ff', text: '·', marked: false }] });
	for (const no of ['', 'abc', 'zz', '<script>']) assert.deepEqual(hex.hexLines(no, 0), [], no);
});

test('a rule of an event', () => {
	const groups = (id) => ({ 'netns:app': ['app'], 'netns:web': ['web.shop', 'front'] })[id];
	const event = {
		number: 4, client: 'app', client_id: 'netns:app', client_address: '10.0.0.3',
		server: 'web', server_id: 'netns:web', server_address: '10.0.0.2', port: 8080, proto: 'tcp',
	};
	assert.deepEqual(rule.ruleOfEvent(event, groups), {
		from: ['app'], to: ['web.shop'], ports: ['tcp/8080'], action: 'allow', comment: 'from event 4',
	});
	// who is not known any more, or never was, is meant by the address
	const from = (more) => rule.ruleOfEvent({ ...event, ...more }, groups).from;
	assert.deepEqual(from({ client_id: 'netns:gone' }), ['10.0.0.3']);
	assert.deepEqual(from({ client_id: '', client_address: '203.0.113.9' }), ['203.0.113.9']);
	assert.deepEqual(rule.ruleOfEvent({ ...event, port: undefined, proto: 'icmp' }, groups).ports, ['icmp']);
});

test('settings, one by one and back', () => {
	assert.deepEqual(unflat(flat(defaults)), JSON.parse(JSON.stringify(defaults)));
	assert.deepEqual(unflat([['a.b', null], ['a.c', 1]]), { a: { b: null, c: 1 } });
	for (const [text, was, numbers, want] of [
		['7', 1, true, 7], ['', 1, true, undefined], ['7x', 1, true, undefined],
		['4789, 8472', [4789], true, [4789, 8472]], ['4789', [], true, [4789]], ['', [1], true, []], ['x', [1], true, undefined],
		['gre', ['vxlan'], false, ['gre']], ['drop', 'open', false, 'drop'],
	])
		assert.deepEqual(typed(text, was, numbers), want, text);
});

test('each setting has a label and a sentence', () => {
	for (const path of flat(defaults).keys()) {
		const [section, id, last] = path.replace(/^data_plane\./, '').split('.');
		const words = section === 'threats' ? said.threats[id] : section === 'meters' ? said.meters[id] && said.meter[last] : said.settings[path];
		assert.ok(words?.[0] && /[.]$/.test(words[1]), path);
		assert.ok(said.sections[section], section);
	}
	// and none is left over
	const known = flat(defaults);
	for (const path of Object.keys(said.settings)) assert.ok(known.has(path), path);
	for (const id of Object.keys(said.threats)) assert.ok(known.has(`data_plane.threats.${id}.enabled`), id);
});

/* One namespace of so many groups; who talks to whom by numbers. */
function world(groups, edges) {
	const nodes = Array.from({ length: groups }, (_, i) => ({ id: `w${i}`, name: `w${i}`, namespace: 'a', service: `g${i}`, groups: [`g${i}`], mode: 'discover', state: 'guarded', kind: 'workload' }));
	const list = edges.map(([a, b, verdict, bytes]) => ({ from: `w${a}`, to: `w${b}`, protos_ports: [], applications: [], sessions: 1, bytes, verdict, rule: 0, threats: 0, first_seen: 1, last_seen: 2 }));
	return model.draw(nodes, list, new Set(['ns:a']));
}

test('the map: of many lines the worst and the busiest are drawn, and all of a box that is chosen', () => {
	const edges = [];
	for (let i = 0; i < model.LINES_MAX + 500; i++) edges.push([i % 100, 100 + Math.floor(i / 100), i === 3 ? 'denied' : 'allowed', i]);
	const d = world(200, edges);
	assert.equal(d.lines.size, edges.length);
	const drawn = model.drawnLines(d, '');
	assert.equal(drawn.size, model.LINES_MAX);
	assert.ok(drawn.has('gr:a/g3\ngr:a/g100')); // blocked
	assert.ok(!drawn.has('gr:a/g4\ngr:a/g100'));
	const its = model.drawnLines(d, 'gr:a/g4');
	assert.equal([...its.values()].filter((l) => l.from === 'gr:a/g4').length, 15);
	assert.equal(model.drawnLines(d, 'ns:a').size, model.LINES_MAX); // all are within it
	assert.equal(model.drawnLines(world(4, [[0, 1, 'allowed', 1]]), '').size, 1);
});

test('the map: of a thousand boxes in a few ranks none lies on another, and all are as wide as high', () => {
	const edges = [];
	for (let i = 0; i < 4000; i++) edges.push([i % 1000, (i * 37 + 1 + (i % 11)) % 1000, 'allowed', i]);
	const at = [...new layout.Places().place(world(1000, edges)).values()];
	assert.equal(at.length, 1000);
	const { w, h } = layout.BOX.group;
	const cells = new Map();
	for (const p of at) {
		for (const dx of [-1, 0, 1]) for (const dy of [-1, 0, 1])
			for (const q of cells.get(`${Math.floor(p.x / w) + dx} ${Math.floor(p.y / h) + dy}`) ?? [])
				assert.ok(Math.abs(p.x - q.x) >= w || Math.abs(p.y - q.y) >= h);
		const cell = `${Math.floor(p.x / w)} ${Math.floor(p.y / h)}`;
		cells.set(cell, [...(cells.get(cell) ?? []), p]);
	}
	const wide = Math.max(...at.map((p) => p.x)) - Math.min(...at.map((p) => p.x));
	const high = Math.max(...at.map((p) => p.y)) - Math.min(...at.map((p) => p.y));
	assert.ok(wide / high > 0.5 && wide / high < 4, `${wide} by ${high}`);
});

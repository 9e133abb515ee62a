/* Staged changes: over the rules as they are shown, and in the policy's text. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build } from 'esbuild';

async function load(name) {
	const out = await build({
		entryPoints: [new URL(`../../src/lib/${name}.ts`, import.meta.url).pathname],
		bundle: true, format: 'esm', write: false, platform: 'neutral', mainFields: ['module', 'main'],
	});
	return import(`data:text/javascript,${encodeURIComponent(out.outputFiles[0].text)}`);
}
const { merge, nextId } = await load('merge');
const { withStaged } = await load('document');

const rule = (id, from, to, more = {}) => ({ id, from: [from], to: [to], action: 'allow', ...more });
const RULES = [rule(1, 'a', 'b', { hits: 7 }), rule(2, 'b', 'c'), rule(10000, 'c', 'd', { origin: 'learned' })];
const ids = (m) => m.rows.map((r) => r.id);
let n = 0;
const s = (what, more) => ({ what, key: `k${n++}`, ...more });

test('staged changes over the rules', () => {
	assert.equal(nextId(RULES, []), 3);
	assert.equal(nextId(RULES, [s('add', { after: 0, rule: rule(7, 'x', 'y') })]), 8);
	for (const [staged, want] of [
		[[], [1, 2, 10000]],
		[[s('add', { after: 0, rule: rule(3, 'x', 'y') })], [3, 1, 2, 10000]],
		[[s('add', { after: -1, rule: rule(3, 'x', 'y') })], [1, 2, 10000, 3]],
		[[s('add', { after: 1, rule: rule(3, 'x', 'y') }), s('move', { id: 3, after: 10000 })], [1, 2, 10000, 3]],
		[[s('move', { id: 10000, after: 0 }), s('move', { id: 1, after: 2 })], [10000, 2, 1]],
		[[s('delete', { id: 2 })], [1, 2, 10000]],
	])
		assert.deepEqual(ids(merge(RULES, staged)), want, JSON.stringify(staged));
	const m = merge(RULES, [s('change', { id: 2, rule: rule(2, 'b', 'z') }), s('delete', { id: 1 }), s('delete', { id: 77 }), s('move', { id: 2, after: 99 })]);
	assert.deepEqual(m.rows[1].rule.to, ['z']);
	assert.deepEqual(m.rows[1].was.to, ['c']);
	assert.ok(m.rows[1].changed && m.rows[0].deleted);
	assert.deepEqual(m.lost.map((x) => x.what), ['delete', 'move']);
	assert.deepEqual(ids(m), [1, 2, 10000], 'what cannot be done changes nothing');
});

const TEXT = `# who may do what
apiVersion: weir/v1
groups:
- name: "012" # a text
  mode: protect
rules:
# the first
- {id: 1, from: [a], to: [b], ports: tcp/80, action: allow}
- id: 2 # told
  from: b
  to: [c]
  action: deny
  comment: no
- {id: 10000, from: [c], to: [d], action: allow, origin: learned}
`;

test('nothing staged changes no byte', () => {
	assert.equal(withStaged(TEXT, [], RULES).text, TEXT);
});

test('staged changes in the text', () => {
	const lines = (staged) => withStaged(TEXT, staged, RULES).text;
	const added = lines([s('add', { after: 1, rule: { id: 3, from: ['x'], to: ['1'], ports: ['tcp/1'], applications: [], action: 'allow', comment: 'true', disabled: false, hits: 4 } })]);
	assert.ok(added.includes('- {id: 3, from: [x], to: ["1"], ports: [tcp/1], action: allow, comment: "true"}\n- id: 2 # told'), added);
	const changed = lines([s('change', { id: 2, rule: { id: 2, from: ['b'], to: ['c'], action: 'allow', disabled: true } })]);
	assert.ok(changed.includes('- id: 2 # told\n  from: b\n  to: [c]\n  action: deny\n  comment: no\n  disabled: true'), changed);
	const known = [RULES[0], { id: 2, from: ['b'], to: ['c'], action: 'deny', comment: 'no' }, RULES[2]];
	const told = withStaged(TEXT, [s('change', { id: 2, rule: { id: 2, from: ['b', 'e'], to: ['c'], action: 'deny' } })], known).text;
	assert.ok(told.includes('from: [b, e]\n  to: [c]\n  action: deny\n- {id: 10000'), told);
	assert.ok(!told.includes('comment: no'), told);
	const moved = lines([s('move', { id: 10000, after: 0 })]);
	assert.ok(moved.indexOf('id: 10000') < moved.indexOf('id: 1,'), moved);
	const gone = withStaged(TEXT, [s('delete', { id: 2 }), s('delete', { id: 5 }), s('move', { id: 1, after: 5 })], RULES);
	assert.ok(!gone.text.includes('id: 2'), gone.text);
	assert.ok(gone.text.includes('"012" # a text'));
	assert.deepEqual(gone.lost.map((x) => x.id), [5, 1]);
});

test('a policy without rules, and one that cannot be read', () => {
	for (const text of ['', 'rules: []\n', 'groups: []\n'])
		assert.ok(withStaged(text, [s('add', { after: 0, rule: rule(1, 'a', 'b') })], []).text.includes('- {id: 1, from: [a], to: [b], action: allow}'), text);
	assert.throws(() => withStaged('rules: [', [], []));
});

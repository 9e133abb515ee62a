/*
 * The policy's text, changed where something is meant to change: comments, order and
 * the way of writing of all else stay. Loaded only by who changes it, since the reader
 * of YAML is large.
 *
 * Scalars are kept as texts (schema failsafe): `012` is a text in the policy language
 * and a number in YAML 1.2, so nothing that is not ours to change is read as more.
 */
import { isMap, isScalar, isSeq, parseAllDocuments, Scalar, YAMLMap, YAMLSeq, type Document } from 'yaml';
import type { Staged } from './staged.svelte';
import type { Rule } from './types';

const TOLD = new Set(['hits', 'last_hit']); // by the agent, of a rule in force
const ORDER = ['id', 'from', 'to', 'ports', 'applications', 'requests', 'action', 'side', 'origin', 'expires', 'disabled', 'comment'];
const LOOKS_PLAIN = /^(null|true|false|~|[-+]?[\d.][\d._]*(e[-+]?\d+)?|0x[\da-f]+|0o[0-7]+)$/i;

export class UnreadablePolicy extends Error {}

function node(v: unknown): Scalar | YAMLMap | YAMLSeq {
	if (Array.isArray(v)) {
		const seq = new YAMLSeq();
		seq.flow = true;
		seq.items = v.map(node);
		return seq;
	}
	if (v !== null && typeof v === 'object') {
		const map = new YAMLMap();
		map.flow = true;
		for (const [k, x] of Object.entries(v)) map.set(node(k), node(x));
		return map;
	}
	const s = new Scalar(String(v));
	if (typeof v === 'string' && LOOKS_PLAIN.test(v)) s.type = Scalar.QUOTE_DOUBLE;
	return s;
}

function members(rule: Rule): [string, unknown][] {
	const place = (k: string) => ORDER.indexOf(k) + 1 || ORDER.length;
	return Object.entries(rule)
		.filter(([k, v]) => !TOLD.has(k) && v !== undefined && v !== null && v !== '' && !(k === 'disabled' && !v) && !(Array.isArray(v) && v.length === 0))
		.sort(([a], [b]) => place(a) - place(b));
}

const idOf = (item: unknown): number | undefined => {
	const id = isMap(item) ? item.get('id') : undefined;
	return id === undefined ? undefined : Number(id);
};

function newRule(rule: Rule): YAMLMap {
	const map = new YAMLMap();
	map.flow = true;
	for (const [k, v] of members(rule)) map.set(node(k), node(v));
	return map;
}

const list = (v: unknown) => (Array.isArray(v) ? v : [v]);
const same = (a: unknown, b: unknown) => JSON.stringify(list(a).map(String)) === JSON.stringify(list(b).map(String));

/* Only the members that differ from how the rule is told; what is not told stays. */
function change(map: YAMLMap, rule: Rule, was: Rule | undefined) {
	const next = new Map(members(rule));
	const old = new Map(members(was ?? (map.toJSON() as Rule)));
	for (const k of old.keys()) if (!next.has(k) && k !== 'id') map.delete(k);
	for (const [k, v] of next) if (!old.has(k) || (typeof v === 'object' && !Array.isArray(v) ? JSON.stringify(v) !== JSON.stringify(old.get(k)) : !same(v, old.get(k)))) {
		const pair = map.items.find((p) => isScalar(p.key) && p.key.value === k);
		if (pair) pair.value = node(v);
		else map.set(node(k), node(v));
	}
}

/* The documents' lists of rules count as one, in their order. */
class Rules {
	readonly docs: Document[];
	readonly seqs: YAMLSeq[];

	constructor(text: string) {
		this.docs = parseAllDocuments(text, { schema: 'failsafe', keepSourceTokens: false }) as Document[];
		for (const d of this.docs) {
			const e = d.errors[0];
			if (e) throw new UnreadablePolicy(e.message);
		}
		if (this.docs.length === 0) this.docs = parseAllDocuments('rules: []', { schema: 'failsafe' }) as Document[];
		this.seqs = this.docs.map((d) => d.get('rules')).filter((r) => isSeq(r));
		if (this.seqs.length === 0) {
			const seq = new YAMLSeq();
			this.docs[0]!.set('rules', seq);
			this.seqs.push(seq);
		}
	}

	find(id: number): { seq: YAMLSeq; at: number } | undefined {
		for (const seq of this.seqs) {
			const at = seq.items.findIndex((i) => idOf(i) === id);
			if (at >= 0) return { seq, at };
		}
		return undefined;
	}

	insert(item: unknown, after: number): boolean {
		const place = after === 0 ? { seq: this.seqs[0]!, at: -1 }
			: after < 0 ? { seq: this.seqs.at(-1)!, at: this.seqs.at(-1)!.items.length - 1 }
			: this.find(after);
		if (!place) return false;
		place.seq.flow = false; // `rules: []` was a line
		place.seq.items.splice(place.at + 1, 0, item);
		return true;
	}

	text(): string {
		return this.docs
			.map((d) => d.toString({ lineWidth: 0, flowCollectionPadding: false, indentSeq: false }))
			.join('');
	}
}

/* The text with what is staged; `known` are the rules in force, as they are told. */
export function withStaged(text: string, staged: readonly Staged[], known: readonly Rule[]): { text: string; lost: Staged[] } {
	const rules = new Rules(text);
	const lost: Staged[] = [];
	const was = new Map(known.map((r) => [r.id, r]));
	for (const s of staged) {
		if (s.what === 'add') {
			const item = newRule(s.rule);
			if ((s.rule.id !== undefined && rules.find(s.rule.id)) || !(rules.insert(item, s.after) || rules.insert(item, -1))) lost.push(s);
			continue;
		}
		const found = rules.find(s.id);
		if (!found) {
			lost.push(s);
			continue;
		}
		const item = found.seq.items[found.at] as YAMLMap;
		if (s.what === 'change') {
			change(item, { ...s.rule, id: s.id }, was.get(s.id));
			was.set(s.id, s.rule);
		} else {
			found.seq.items.splice(found.at, 1);
			if (s.what === 'move' && !rules.insert(item, s.after)) {
				found.seq.items.splice(found.at, 0, item);
				lost.push(s);
			}
		}
	}
	return { text: rules.text(), lost };
}

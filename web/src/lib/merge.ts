/*
 * Rules as they would be: those in force, with what is staged played over them in the
 * order in which it was meant. What speaks of a rule that is gone by now is `lost`.
 */
import type { Staged } from './staged.svelte';
import type { Rule } from './types';

export interface MergedRule {
	key: string;
	id: number;
	rule: Rule; // as it would be
	was?: Rule; // in force; none: it is new
	added: boolean;
	changed: boolean;
	moved: boolean;
	deleted: boolean; // stands where it was
	staged: string[]; // keys of what made it so
}

export interface Merged {
	rows: MergedRule[];
	lost: Staged[];
}

const FIRST_LEARNED = 10_000;

/* The next number of a user's own rule. */
export function nextId(rules: readonly Rule[], staged: readonly Staged[]): number {
	let last = 0;
	for (const r of rules) if (r.id !== undefined && r.id < FIRST_LEARNED) last = Math.max(last, r.id);
	for (const s of staged) if (s.what === 'add' && s.rule.id !== undefined && s.rule.id < FIRST_LEARNED) last = Math.max(last, s.rule.id);
	return last + 1;
}

export function merge(rules: readonly Rule[], staged: readonly Staged[]): Merged {
	const rows: MergedRule[] = rules.map((rule) => ({
		key: `r${rule.id}`, id: rule.id ?? 0, rule, was: rule,
		added: false, changed: false, moved: false, deleted: false, staged: [],
	}));
	const lost: Staged[] = [];
	let unnamed = -1; // ids of staged rules that have none yet

	/* -1: there is no such rule */
	const behind = (after: number): number => {
		if (after === 0) return 0;
		if (after < 0) return rows.length;
		return rows.findIndex((r) => r.id === after) + 1 || -1;
	};
	const play = (s: Staged): boolean => {
		if (s.what === 'add') {
			if (s.rule.id !== undefined && rows.some((r) => r.id === s.rule.id)) return false;
			const at = behind(s.after);
			rows.splice(at < 0 ? rows.length : at, 0, {
				key: s.key, id: s.rule.id ?? unnamed--, rule: s.rule,
				added: true, changed: false, moved: false, deleted: false, staged: [s.key],
			});
			return true;
		}
		const from = rows.findIndex((r) => r.id === s.id);
		const row = rows[from];
		if (!row) return false;
		if (s.what === 'change') Object.assign(row, { rule: { ...s.rule, id: s.id }, changed: !row.added });
		else if (s.what === 'delete') row.deleted = true;
		else {
			rows.splice(from, 1);
			const at = behind(s.after);
			rows.splice(at < 0 ? from : at, 0, row);
			if (at < 0) return false;
			row.moved = !row.added;
		}
		row.staged.push(s.key);
		return true;
	};
	for (const s of staged) if (!play(s)) lost.push(s);
	return { rows, lost };
}

/*
 * Changes to the policy that are meant but not made: the Policy page shows, compares
 * and applies them; other pages only add. They live as long as the tab, so that a
 * reload loses none.
 */
import type { Rule } from './types';

export type Staged =
	/* after: a rule's id; 0 first; -1 last, as `weir policy add` has it */
	| { what: 'add'; key: string; rule: Rule; after: number; from?: string }
	| { what: 'change'; key: string; id: number; rule: Rule }
	| { what: 'move'; key: string; id: number; after: number }
	| { what: 'delete'; key: string; id: number };

const KEY = 'weir.staged';

/* Without its key; of each member of the union by itself. */
export type NewStaged = Staged extends infer S ? (S extends Staged ? Omit<S, 'key'> : never) : never;

function stored(): Staged[] {
	try {
		const list: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
		return Array.isArray(list) ? (list as Staged[]) : [];
	} catch {
		return [];
	}
}

class StagedChanges {
	list = $state<Staged[]>(stored());
	count = $derived(this.list.length);

	#set(list: Staged[]) {
		this.list = list;
		sessionStorage.setItem(KEY, JSON.stringify(list));
	}

	add(change: NewStaged): string {
		const key = crypto.randomUUID?.() ?? String(Math.random());
		this.#set([...this.list, { ...change, key } as Staged]);
		return key;
	}

	replace(key: string, change: NewStaged) {
		this.#set(this.list.map((s) => (s.key === key ? ({ ...change, key } as Staged) : s)));
	}

	remove(key: string) {
		this.#set(this.list.filter((s) => s.key !== key));
	}

	clear() {
		this.#set([]);
	}
}

export const staged = new StagedChanges();

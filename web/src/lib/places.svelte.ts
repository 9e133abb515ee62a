/*
 * Who is who: workloads and their groups by id, kept for all pages and asked for again
 * now and then, and when an event tells of a change.
 */
import { api } from './api';
import { live } from './live.svelte';
import type { WeirEvent, Workload } from './types';

const STALE_MS = 15_000;

class Places {
	list = $state.raw<Workload[] | undefined>(undefined);
	error = $state.raw<unknown>(undefined);
	byId = $derived(new Map((this.list ?? []).map((w) => [w.id, w])));

	#asked = 0;
	#timer = 0;

	again = async () => {
		this.#asked = Date.now();
		try {
			this.list = await api.workloads();
			this.error = undefined;
		} catch (e) {
			this.error = e;
		}
	};

	/* In a component that needs it. */
	use() {
		$effect(() => {
			if (Date.now() - this.#asked > STALE_MS) void this.again();
			const timer = setInterval(() => !document.hidden && this.again(), STALE_MS);
			const stop = live.listen('events', {
				message: (e: WeirEvent) => (e.kind === 'change' || e.kind === 'state') && this.soon(),
				resumed: () => this.soon(),
			});
			return () => {
				clearInterval(timer);
				stop();
			};
		});
	}

	soon() {
		clearTimeout(this.#timer);
		this.#timer = window.setTimeout(() => this.again(), 300);
	}

	groupsOf = (id: string): string[] | undefined => this.byId.get(id)?.groups;
	nameOf = (id: string): string => this.byId.get(id)?.name ?? id;
}

export const places = new Places();

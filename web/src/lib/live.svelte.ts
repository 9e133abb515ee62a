/*
 * What is happening, as it happens: one EventSource for the whole page, however many
 * parts of it listen.
 *
 * Each listener names a topic. The set of topics decides the connection's address;
 * when it changes, the connection is made anew, a moment later so that a change of
 * page costs one. What was said between two connections is not heard: `resumed` tells
 * the listener to ask for what it may have missed, as does `missed` when the host says
 * that we read too slowly.
 *
 *     closed ──listen──▶ opening ──open──▶ up ──error──▶ waiting ──timer──▶ opening
 */

export type Topic = 'events' | 'flows' | 'map' | 'top' | 'status';

export interface Listener {
	message?: (data: any) => void;
	missed?: (count: number) => void;
	resumed?: () => void;
}

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 15_000;
const SETTLE_MS = 60;

class Live {
	state = $state<'closed' | 'opening' | 'up' | 'waiting'>('closed');
	missed = $state(0); // messages, since the page was loaded

	#listeners = new Map<Topic, Set<Listener>>();
	#source: EventSource | null = null;
	#topics = '';
	#retry = RETRY_MIN_MS;
	#timer = 0;
	#stopped = true;

	/* When somebody is logged in. */
	start() {
		this.#stopped = false;
		this.#soon(0);
	}

	stop() {
		this.#stopped = true;
		clearTimeout(this.#timer);
		this.#close();
		this.state = 'closed';
	}

	listen(topic: Topic, listener: Listener): () => void {
		const set = this.#listeners.get(topic) ?? new Set();
		set.add(listener);
		this.#listeners.set(topic, set);
		this.#soon(SETTLE_MS);
		return () => {
			set.delete(listener);
			if (set.size === 0) this.#listeners.delete(topic);
			this.#soon(SETTLE_MS);
		};
	}

	#soon(ms: number) {
		if (this.#stopped) return;
		clearTimeout(this.#timer);
		this.#timer = window.setTimeout(() => this.#open(), ms);
	}

	#close() {
		this.#source?.close();
		this.#source = null;
		this.#topics = '';
	}

	#open() {
		const topics = [...this.#listeners.keys()].sort().join(',');
		if (topics === '') {
			this.#close();
			this.state = 'closed';
			return;
		}
		if (this.#source && topics === this.#topics) return;
		this.#close();
		this.#topics = topics;
		this.state = 'opening';
		const source = new EventSource(`/api/v1/stream?topics=${topics}`);
		this.#source = source;
		source.onopen = () => {
			this.#retry = RETRY_MIN_MS;
			this.state = 'up';
			for (const set of this.#listeners.values()) for (const l of set) l.resumed?.();
		};
		source.onerror = () => {
			// The browser would try again by itself, but never after a refusal.
			if (this.#source !== source) return;
			this.#close();
			this.state = 'waiting';
			this.#soon(this.#retry);
			this.#retry = Math.min(this.#retry * 2, RETRY_MAX_MS);
		};
		for (const topic of topics.split(',') as Topic[])
			source.addEventListener(topic, (e) => {
				const data: unknown = JSON.parse((e as MessageEvent<string>).data);
				for (const l of this.#listeners.get(topic) ?? []) l.message?.(data);
			});
		source.addEventListener('missed', (e) => {
			const m = JSON.parse((e as MessageEvent<string>).data) as {
				topic: Topic;
				count: number;
			};
			this.missed += m.count;
			for (const l of this.#listeners.get(m.topic) ?? []) l.missed?.(m.count);
		});
	}
}

export const live = new Live();

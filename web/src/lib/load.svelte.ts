/*
 * What a page asks for: `value` stays while it is asked again, so that a list does not
 * flicker; `error` is the last one's, undefined when it went well. Asked again every
 * `everySeconds` while the tab is seen, and sooner after an error.
 */
import { ApiError } from './api';

export class Load<T> {
	value = $state.raw<T | undefined>(undefined);
	error = $state.raw<unknown>(undefined);
	busy = $state(false);

	#ask: (signal: AbortSignal) => Promise<T>;
	#abort: AbortController | undefined;
	#timer = 0;
	#every: number;

	constructor(ask: (signal: AbortSignal) => Promise<T>, everySeconds = 0) {
		this.#ask = ask;
		this.#every = everySeconds;
	}

	again = async (): Promise<void> => {
		clearTimeout(this.#timer);
		this.#abort?.abort();
		const abort = new AbortController();
		this.#abort = abort;
		this.busy = true;
		try {
			const value = await this.#ask(abort.signal);
			if (abort.signal.aborted) return;
			this.value = value;
			this.error = undefined;
		} catch (e) {
			if (abort.signal.aborted) return;
			this.error = e;
		}
		this.busy = false;
		// who may not is not let in by asking again
		const refused = this.error instanceof ApiError && this.error.status === 403;
		const wait = this.error && !refused ? 5 : this.#every;
		if (wait > 0) this.#timer = window.setTimeout(() => this.#tick(), wait * 1000);
	};

	#tick() {
		if (document.hidden) this.#timer = window.setTimeout(() => this.#tick(), 1000);
		else void this.again();
	}

	stop() {
		clearTimeout(this.#timer);
		this.#abort?.abort();
	}
}

/* In a component: asked when it is mounted, and when what `ask` reads at once changes. */
export function load<T>(ask: (signal: AbortSignal) => Promise<T>, everySeconds = 0): Load<T> {
	const l = new Load(ask, everySeconds);
	$effect(() => {
		void l.again();
		return () => l.stop();
	});
	return l;
}

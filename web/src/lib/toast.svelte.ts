/* Short messages that go by themselves; errors stay until they are closed. */
import { ApiError } from './api';

export interface Toast {
	key: number;
	tone: 'good' | 'bad' | 'info';
	text: string;
	action?: { text: string; run: () => void };
}

const SHOWN_MS = 7000;
const SHOWN_MAX = 4;

class Toasts {
	list = $state<Toast[]>([]);
	#next = 1;

	say(text: string, tone: Toast['tone'] = 'good', action?: Toast['action']) {
		const key = this.#next++;
		this.list = [...this.list.slice(1 - SHOWN_MAX), { key, tone, text, action }];
		if (tone !== 'bad') setTimeout(() => this.close(key), action ? 2 * SHOWN_MS : SHOWN_MS);
	}

	error(e: unknown) {
		if (e instanceof ApiError && e.status === 401) return; // the login page says it
		this.say(errorText(e), 'bad');
	}

	close(key: number) {
		this.list = this.list.filter((t) => t.key !== key);
	}
}

export function errorText(e: unknown): string {
	if (e instanceof ApiError && e.at) return `${e.message} (${e.at})`;
	return e instanceof Error ? e.message : String(e);
}

export const toasts = new Toasts();

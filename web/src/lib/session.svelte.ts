/* Who looks at this page. */
import { api, ApiError, may, onLostSession, setCsrf } from './api';
import { live } from './live.svelte';
import type { Role, Session } from './types';

class Who {
	/* away: weir-api does not answer */
	state = $state<'asking' | 'in' | 'out' | 'away'>('asking');
	user = $state('');
	role = $state<Role | undefined>(undefined);

	constructor() {
		onLostSession(() => this.#out());
	}

	#in(s: Session) {
		setCsrf(s.csrf);
		this.user = s.user;
		this.role = s.role;
		this.state = 'in';
		live.start();
	}

	#out() {
		setCsrf('');
		this.user = '';
		this.role = undefined;
		this.state = 'out';
		live.stop();
	}

	async ask() {
		try {
			this.#in(await api.session());
		} catch (e) {
			if (e instanceof ApiError && (e.status === 401 || e.status === 403)) this.#out();
			else this.state = 'away';
		}
	}

	async login(user: string, password: string) {
		this.#in(await api.login(user, password));
	}

	async setup(token: string, user: string, password: string) {
		this.#in(await api.setup(token, user, password));
	}

	async logout() {
		try {
			await api.logout();
		} finally {
			this.#out();
		}
	}

	may(role: Role): boolean {
		return may(this.role, role);
	}
}

export const who = new Who();

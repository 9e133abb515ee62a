/*
 * Is this host a node of a fleet? Asked when somebody has logged in, and by the pages
 * that show it; a host joins when its agent starts anew, which nobody waits for here.
 */
import { api } from './api';
import type { FleetHere } from './types';

class Fleet {
	here = $state.raw<FleetHere | undefined>(undefined); /* undefined: it is of none */
	known = $state(false);

	ask = async (): Promise<void> => {
		try {
			this.here = (await api.status()).fleet;
			this.known = true;
		} catch {
			// the page says so itself
		}
	};
}

export const fleet = new Fleet();

/* One clock for all the times on a page; in seconds since 1970. */
class Now {
	s = $state(Math.floor(Date.now() / 1000));

	constructor() {
		setInterval(() => (this.s = Math.floor(Date.now() / 1000)), 5000);
	}
}

export const now = new Now();

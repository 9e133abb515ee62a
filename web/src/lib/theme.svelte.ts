/* Light or dark: what the system says, unless somebody chose. */

export type Choice = 'system' | 'light' | 'dark';

const KEY = 'weir.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function stored(): Choice {
	const v = localStorage.getItem(KEY);
	return v === 'light' || v === 'dark' ? v : 'system';
}

class Theme {
	choice = $state<Choice>(stored());
	systemDark = $state(system.matches);
	dark = $derived(this.choice === 'system' ? this.systemDark : this.choice === 'dark');

	constructor() {
		system.addEventListener('change', () => {
			this.systemDark = system.matches;
			this.apply();
		});
	}

	apply() {
		document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
	}

	choose(choice: Choice) {
		this.choice = choice;
		if (choice === 'system') localStorage.removeItem(KEY);
		else localStorage.setItem(KEY, choice);
		this.apply();
	}
}

export const theme = new Theme();

/* A token's value now, for what draws on a canvas. Read theme.dark beside it, so
 * that an effect runs again when the theme changes. */
export function token(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

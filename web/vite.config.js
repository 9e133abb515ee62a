import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// No inlined assets and no module preload helper that writes inline code: the
// page has to stand under a CSP of 'self' alone.
export default defineConfig({
	plugins: [svelte()],
	base: './',
	build: {
		outDir: process.env.WEIR_WEB_OUT ?? '../build/web',
		emptyOutDir: true,
		assetsInlineLimit: 0,
		target: 'es2022',
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		chunkSizeWarningLimit: 700,
	},
	server: { proxy: { '/api': 'http://127.0.0.1:8788' } },
});

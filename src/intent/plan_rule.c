/*
 * A rule for the data plane. It has one protocol, and at most RULE_WORDS_MAX
 * words at an end, so one of ours may become several, all of the same id and
 * action: which of them matches does not matter.
 *
 * It is written at once as text: of ten thousand rules objects would be tens of
 * megabytes, only to be printed.
 */
#include <string.h>

#include "base/bug.h"
#include "intent/format.h"
#include "intent/plan.h"

/* Names and addresses: nothing in them means anything in JSON. */
static void add_words(struct text *t, const char *member,
		      const char *const *words, size_t n)
{
	text_addf(t, ",\"%s\":[", member);
	for (size_t k = 0; k < n; k++) {
		BUG_ON(strpbrk(words[k], "\"\\"));
		text_add_word(t, k ? ",\"" : "\"");
		text_add_word(t, words[k]);
		text_add(t, "\"", 1);
	}
	text_add(t, "]", 1);
}

static void add_apps(struct text *t, const struct rule *r)
{
	text_add_word(t, ",\"apps\":[");
	for (size_t k = 0; k < r->n_apps; k++)
		text_addf(t, k ? ",%u" : "%u", r->apps[k]);
	text_add(t, "]", 1);
}

/* Those of one protocol; one that says all of it is as none. */
static void add_ports(struct text *t, const struct rule *r, uint8_t proto)
{
	const char *between = "";

	for (size_t k = 0; k < r->n_ports; k++)
		if (r->ports[k].proto == proto && r->ports[k].all)
			return;
	text_add_word(t, ",\"ports\":[");
	for (size_t k = 0; k < r->n_ports; k++) {
		const struct port_word *p = &r->ports[k];

		if (p->proto != proto)
			continue;
		text_addf(t, "%s\"%u-%u\"", between, p->first, p->last);
		between = ",";
	}
	text_add(t, "]", 1);
}

/* Has an earlier word the same protocol, or does one say "any"? */
static bool is_said(const struct rule *r, size_t n)
{
	for (size_t k = 0; k < r->n_ports; k++)
		if (r->ports[k].proto == 0)
			return n != k;
	for (size_t k = 0; k < n; k++)
		if (r->ports[k].proto == r->ports[n].proto)
			return true;
	return false;
}

/* One for some words of the other end, and a protocol; 0: any. */
static void add_part(struct text *t, const struct rule *r, bool ingress,
		     const struct plan_end *own, const char *const *peers,
		     size_t n_peers, uint8_t proto)
{
	text_addf(t, "{\"id\":%u", r->id);
	add_words(t, ingress ? "from" : "to", peers, n_peers);
	text_addf(t, ",\"action\":\"%s\"", intent_action_words[r->action]);
	if (ingress)
		text_add_word(t, ",\"ingress\":true");
	if (own)
		add_words(t, ingress ? "to" : "from", own->v, own->n);
	if (r->n_apps > 0)
		add_apps(t, r);
	if (r->requests) {
		text_add_word(t, ",\"requests\":");
		text_add_json(t, r->requests);
	}
	if (proto != 0) {
		text_addf(t, ",\"proto\":\"%u\"", proto);
		add_ports(t, r, proto);
	}
	text_add_word(t, "},");
}

size_t plan_rule(struct text *t, const struct rule *r, bool ingress,
		 const struct plan_end *own, const struct plan_end *peers)
{
	size_t parts = 0;

	for (size_t k = 0; k < peers->n; k += RULE_WORDS_MAX) {
		size_t left = peers->n - k;
		size_t n = left < RULE_WORDS_MAX ? left : RULE_WORDS_MAX;

		for (size_t w = 0; w < r->n_ports; w++) {
			if (is_said(r, w))
				continue;
			add_part(t, r, ingress, own, peers->v + k, n,
				 r->ports[w].proto);
			parts++;
		}
		if (r->n_ports == 0) {
			add_part(t, r, ingress, own, peers->v + k, n, 0);
			parts++;
		}
	}
	return parts;
}

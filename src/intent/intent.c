/*
 * What every other file here needs: words, names, the table of groups, and the
 * life of an intent.
 */
#include "intent/intent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "intent/model.h"
#include "wire/ctrl_fqdn.h"

static const char *const mode_words[INTENT_MODE__MAX] = { "discover", "monitor",
							  "protect" };

const char *const intent_key_words[] = {
	"name",	   "image", "namespace", "service",	    "pod",
	"runtime", "node",  "label",	 "namespace_label", "address",
};
_Static_assert(sizeof intent_key_words / sizeof *intent_key_words ==
		       INTENT_KEY__MAX,
	       "one word each");

const char *const intent_op_words[] = { "=",  "!=",	  "prefix", "regex",
					"in", "contains", "absent" };
_Static_assert(sizeof intent_op_words / sizeof *intent_op_words ==
		       INTENT_OP__MAX,
	       "one word each");

const char *const intent_side_words[] = { "both", "client", "server" };
_Static_assert(sizeof intent_side_words / sizeof *intent_side_words ==
		       RULE_SIDE__MAX,
	       "one word each");

const char *const intent_origin_words[] = { "user", "learned", "network-policy",
					    "kubernetes" };
_Static_assert(sizeof intent_origin_words / sizeof *intent_origin_words ==
		       RULE_ORIGIN__MAX,
	       "one word each");

const char *const intent_action_words[] = { "allow", "deny", "reject", "alert",
					    "learn" };
_Static_assert(sizeof intent_action_words / sizeof *intent_action_words ==
		       RULE_ACTIONS,
	       "one word each");

int intent_word_index(const char *const *words, int n, const char *text)
{
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

const char *intent_word_list(const char *const *words, int n, char *buf,
			     size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < n && len < size; i++) {
		const char *between = i == 0 ? "" : i == n - 1 ? " or " : ", ";

		len += (size_t)snprintf(buf + len, size - len, "%s%s", between,
					words[i]);
	}
	return buf;
}

const char *intent_mode_name(enum intent_mode m)
{
	BUG_ON((unsigned)m >= INTENT_MODE__MAX);
	return mode_words[m];
}

int intent_mode_parse(const char *name, enum intent_mode *ret,
		      struct err *reterr)
{
	int i = intent_word_index(mode_words, INTENT_MODE__MAX, name);

	if (i < 0)
		return err_set(reterr, EINVAL, "mode",
			       "expected discover, monitor or protect, got "
			       "\"%.40s\"",
			       name);
	*ret = (enum intent_mode)i;
	return 0;
}

enum intent_mode intent_default_mode(const struct intent *i)
{
	return i->mode < 0 ? MODE_DISCOVER : (enum intent_mode)i->mode;
}

enum intent_mode intent_group_mode(const struct intent *i, const char *name)
{
	int64_t g = intent_find_group(i, name);

	return g >= 0 && i->groups[g].mode >= 0
		       ? (enum intent_mode)i->groups[g].mode
		       : intent_default_mode(i);
}

/* --- names ------------------------------------------------------------ */

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool intent_name_is_reserved(const char *name)
{
	static const char *const reserved[] = { "any", "external", "workloads",
						"node" };

	return intent_word_index(reserved, 4, name) >= 0;
}

bool intent_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	struct addr_range range;

	if (len == 0 || len >= INTENT_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_name_byte(name[i]) && name[i] != '.')
			return false;
	return !range_parse(name, &range);
}

bool intent_host_is_valid(const char *name)
{
	const char *host = name[0] == '*' ? name + 1 : name;
	bool letter = false;

	if (!fqdn_is_valid(name))
		return false;
	for (; *host; host++) {
		if (!is_name_byte(*host) && *host != '.')
			return false;
		letter |= (*host | 0x20) >= 'a' && (*host | 0x20) <= 'z';
	}
	return letter;
}

int64_t intent_find_group(const struct intent *i, const char *name)
{
	uint64_t slot = hash_of_bytes(name, strlen(name));
	uint32_t n;

	while (hash_table_next(&i->group_table, &slot, &n))
		if (strcmp(i->groups[n].name, name) == 0)
			return n;
	return -1;
}

void *intent_grow(void *array, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown;

	if (n < *room)
		return array;
	grown = reallocarray(array, more, size);
	if (grown)
		*room = more;
	return grown;
}

/* --- life ------------------------------------------------------------- */

struct intent *intent_new(void)
{
	struct intent *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	i->refs = 1;
	i->mode = -1;
	i->responses = json_array();
	i->regex_limits = pcre2_match_context_create(NULL);
	if (!i->responses || !i->regex_limits ||
	    intent_add_ready_sensors(i) < 0) {
		intent_put(i);
		return NULL;
	}
	/* 0 on success, and nothing else is possible */
	(void)pcre2_set_match_limit(i->regex_limits, INTENT_REGEX_STEPS);
	return i;
}

struct intent *intent_get(struct intent *i)
{
	i->refs++;
	return i;
}

void intent_put(struct intent *i)
{
	if (!i)
		return;
	BUG_ON(i->refs == 0);
	if (--i->refs > 0)
		return;
	for (size_t g = 0; g < i->n_groups; g++) {
		for (size_t t = 0; t < i->groups[g].n_terms; t++)
			pcre2_code_free(i->groups[g].terms[t].regex);
		ranges_done(&i->groups[g].ranges);
	}
	for (size_t n = 0; n < i->n_rules; n++)
		json_decref(i->rules[n].requests);
	for (size_t n = 0; n < i->n_sensors; n++)
		json_decref(i->sensors[n].o);
	json_decref(i->responses);
	free(i->sensors);
	free(i->groups);
	free(i->rules);
	free(i->words);
	free(i->labels);
	hash_table_done(&i->group_table);
	hash_table_done(&i->word_table);
	hash_table_done(&i->id_table);
	pcre2_match_context_free(i->regex_limits);
	arena_done(&i->arena);
	free(i);
}

bool rule_is_active(const struct rule *r, uint64_t now)
{
	return !r->disabled && (r->expires == 0 || (uint64_t)r->expires > now);
}

bool rule_denies(const struct rule *r)
{
	return r->action == ACTION_DENY || r->action == ACTION_REJECT;
}

bool intent_protects(const struct intent *i)
{
	if (intent_default_mode(i) == MODE_PROTECT)
		return true;
	for (size_t n = 0; n < i->n_groups; n++)
		if (i->groups[n].mode == MODE_PROTECT)
			return true;
	return false;
}

bool intent_denies(const struct intent *i)
{
	for (size_t n = 0; n < i->n_rules; n++)
		if (rule_denies(&i->rules[n]))
			return true;
	return false;
}

uint64_t intent_next_expiry(const struct intent *i, uint64_t now)
{
	uint64_t next = 0;

	for (size_t n = 0; n < i->n_rules; n++) {
		const struct rule *r = &i->rules[n];

		if (r->expires == 0 || !rule_is_active(r, now))
			continue;
		if (next == 0 || (uint64_t)r->expires < next)
			next = (uint64_t)r->expires;
	}
	return next;
}

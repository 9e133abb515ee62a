/*
 * Theory. Only the workload's own questions teach, so only flows that it opened
 * are read: what comes to a workload that is itself a resolver says nothing of
 * where it will go. And only flows that policy allows: a resolver that it may
 * not use cannot teach it a name (nobody else will have asked).
 *
 * A rule that allows by name has done so for a connection; that the name's time
 * is over later ends no connection. So a flow remembers the name that it was
 * judged by, with its birth, and is judged again as if its peer still had it:
 * for as long as rules speak of that name.
 */
#include "inspect/names.h"

#include <string.h>

#include "proto/dns.h"

#define DNS_PORT 53

struct saved_name {
	uint32_t id, birth;
	char text[FQDN_TEXT_MAX];
};
IMAGE_PART(saved_names, "names", struct saved_name, 1);

bool names_are_asked(const struct flow *f)
{
	return f->key.endpoint != ENDPOINT_NONE && f->client_is_own &&
	       f->key.peer_port == DNS_PORT &&
	       (f->key.proto == PROTO_UDP || f->key.proto == PROTO_TCP);
}

void names_message(struct inspect *in, const struct flow *f,
		   enum flow_side side, struct bytes message, usec_t now)
{
	const struct flow_key *k = &f->key;
	struct learned_ends ends = {
		.endpoint = k->endpoint,
		.client_port = k->own_port,
		.resolver_port = k->peer_port,
		.tcp = k->proto == PROTO_TCP,
		.client = k->own,
		.resolver = k->peer,
	};
	struct dns_msg m;
	enum dns_outcome outcome = dns_parse(message, &m);

	in->counts.dns[outcome]++;
	if (outcome != DNS_OK)
		return;
	if (side == FLOW_CLIENT)
		learned_query(in->learned, &ends, &m, now);
	else
		(void)learned_answer(in->learned, &ends, &m,
				     snapshot_names(in->snapshot), in->snapshot,
				     now);
}

unsigned names_of_peer(const struct inspect *in, const struct flow_key *k,
		       const struct flow *f,
		       uint16_t ids[static NAMES_ASKED_MAX], usec_t now)
{
	const struct name_set *names = snapshot_names(in->snapshot);
	uint16_t before = f ? f->verdict.name : NAME_NONE;
	unsigned n;

	if (name_set_count(names) == 0 || k->endpoint == ENDPOINT_NONE)
		return 0;
	n = learned_names(in->learned, names, k->endpoint, k->peer, now, ids);
	if (before && name_set_birth(names, before) == f->name_birth)
		ids[n++] = before;
	return n;
}

void names_judged(const struct inspect *in, struct flow *f)
{
	uint16_t name = f->verdict.name;

	f->name_birth =
		name ? name_set_birth(snapshot_names(in->snapshot), name) : 0;
}

/* --- images ------------------------------------------------------------------ */

void names_save(const struct name_set *names, struct image_writer *w)
{
	size_t n = name_set_count(names);
	struct saved_name *to = image_room(w, "names", &saved_names, n);

	for (uint16_t id = 1; to && id <= FQDNS_MAX; id++) {
		const char *text = name_set_text(names, id);

		if (!text)
			continue;
		to->id = id;
		to->birth = name_set_birth(names, id);
		memcpy(to->text, text, strlen(text) + 1);
		to++;
	}
}

bool names_load(const struct name_set *names, const struct image_reader *r,
		struct names_kept *ret)
{
	uint64_t n = 0;
	const struct saved_name *from = image_get(r, "names", &saved_names, &n);

	memset(ret, 0, sizeof *ret);
	for (uint64_t i = 0; from && i < n; i++) {
		struct saved_name s = from[i];

		if (s.id == 0 || s.id > FQDNS_MAX ||
		    !memchr(s.text, '\0', sizeof s.text))
			continue;
		ret->birth[s.id] = s.birth;
		ret->is[s.id] = name_set_id(names, s.text);
	}
	return from;
}

bool names_here(const struct names_kept *k, const struct name_set *names,
		uint16_t *id, uint32_t *birth)
{
	uint16_t was = *id;

	*id = was <= FQDNS_MAX && k->birth[was] == *birth ? k->is[was]
							  : NAME_NONE;
	*birth = *id ? name_set_birth(names, *id) : 0;
	return *id;
}

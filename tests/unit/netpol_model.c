#include "netpol_model.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "intent/ranges.h"

static const char *text_of(const json_t *o, const char *member)
{
	const char *s = json_string_value(json_object_get(o, member));

	return s ? s : "";
}

static bool has(const json_t *list, const json_t *v)
{
	for (size_t n = 0; n < json_array_size(list); n++)
		if (json_equal(json_array_get(list, n), v))
			return true;
	return false;
}

static bool expression_is_true(const json_t *e, const json_t *labels)
{
	const char *op = text_of(e, "operator");
	const json_t *values = json_object_get(e, "values");
	const json_t *v = json_object_get(labels, text_of(e, "key"));

	if (strcmp(op, "In") == 0)
		return v && has(values, v);
	if (strcmp(op, "NotIn") == 0)
		return !v || !has(values, v);
	return strcmp(op, "Exists") == 0 ? v != NULL : v == NULL;
}

static bool selects(const json_t *selector, const json_t *labels)
{
	const char *key;
	json_t *v;
	size_t n;

	json_object_foreach (json_object_get(selector, "matchLabels"), key, v) {
		const json_t *is = json_object_get(labels, key);

		if (!is || !json_equal(is, v))
			return false;
	}
	json_array_foreach (json_object_get(selector, "matchExpressions"), n, v)
		if (!expression_is_true(v, labels))
			return false;
	return true;
}

static bool in_block(const json_t *block, struct ip_addr a)
{
	struct addr_range r;
	json_t *v;
	size_t n;

	if (!range_parse(text_of(block, "cidr"), &r) || !range_has(&r, a))
		return false;
	json_array_foreach (json_object_get(block, "except"), n, v)
		if (range_parse(json_string_value(v), &r) && range_has(&r, a))
			return false;
	return true;
}

static bool peer_is(const json_t *peer, const char *own,
		    const struct model_end *e)
{
	const json_t *pods = json_object_get(peer, "podSelector");
	const json_t *spaces = json_object_get(peer, "namespaceSelector");
	const json_t *block = json_object_get(peer, "ipBlock");

	if (block)
		return in_block(block, e->addr);
	if (!e->pod)
		return false;
	if (spaces ? !selects(spaces,
			      json_object_get(e->pod, "namespace_labels"))
		   : strcmp(text_of(e->pod, "namespace"), own) != 0)
		return false;
	return !pods || selects(pods, json_object_get(e->pod, "labels"));
}

static bool port_is(const json_t *p, const struct model_end *server,
		    uint8_t proto, uint16_t port)
{
	static const struct {
		const char *name, *word;
		uint8_t proto;
	} protos[] = { { "TCP", "tcp", IPPROTO_TCP },
		       { "UDP", "udp", IPPROTO_UDP },
		       { "SCTP", "sctp", IPPROTO_SCTP } };
	const char *said = text_of(p, "protocol"), *word = "";
	const json_t *number = json_object_get(p, "port");
	const json_t *end = json_object_get(p, "endPort");
	char key[64];

	for (size_t k = 0; k < 3; k++)
		if (strcmp(said[0] ? said : "TCP", protos[k].name) == 0) {
			if (protos[k].proto != proto)
				return false;
			word = protos[k].word;
		}
	if (!number)
		return true;
	if (json_is_string(number)) {
		(void)snprintf(key, sizeof key, "%s/%s", word,
			       json_string_value(number));
		number = json_object_get(
			json_object_get(server->pod, "named_ports"), key);
		return number && json_integer_value(number) == port;
	}
	return port >= json_integer_value(number) &&
	       port <= json_integer_value(end ? end : number);
}

static bool rule_allows(const json_t *rule, const char *own, bool ingress,
			const struct model_end *peer,
			const struct model_end *server, uint8_t proto,
			uint16_t port)
{
	const json_t *peers = json_object_get(rule, ingress ? "from" : "to");
	const json_t *ports = json_object_get(rule, "ports");
	bool ok = json_array_size(peers) == 0;

	for (size_t n = 0; n < json_array_size(peers) && !ok; n++)
		ok = peer_is(json_array_get(peers, n), own, peer);
	if (!ok || json_array_size(ports) == 0)
		return ok;
	for (size_t n = 0; n < json_array_size(ports); n++)
		if (port_is(json_array_get(ports, n), server, proto, port))
			return true;
	return false;
}

static bool is_about(const json_t *spec, bool ingress)
{
	json_t *types = json_object_get(spec, "policyTypes");
	json_t *word = json_string(ingress ? "Ingress" : "Egress");
	bool is = has(types, word);

	json_decref(word);
	if (json_array_size(types) > 0)
		return is;
	return ingress || json_array_size(json_object_get(spec, "egress")) > 0;
}

/* One direction, at one end. */
static bool end_allows(const json_t *policies, const struct model_end *own,
		       const struct model_end *peer, bool ingress,
		       uint8_t proto, uint16_t port)
{
	bool isolated = false;
	json_t *p, *rule;
	size_t n, k;

	if (!own->pod || peer->node)
		return true;
	json_array_foreach (policies, n, p) {
		const char *space = text_of(p, "namespace");
		const json_t *spec = json_object_get(p, "spec");

		if (strcmp(text_of(own->pod, "namespace"), space) != 0 ||
		    !is_about(spec, ingress) ||
		    !selects(json_object_get(spec, "podSelector"),
			     json_object_get(own->pod, "labels")))
			continue;
		isolated = true;
		json_array_foreach (
			json_object_get(spec, ingress ? "ingress" : "egress"),
			k, rule)
			if (rule_allows(rule, space, ingress, peer,
					ingress ? own : peer, proto, port))
				return true;
	}
	return !isolated;
}

bool model_allows(const json_t *policies, const struct model_end *from,
		  const struct model_end *to, uint8_t proto, uint16_t port)
{
	return end_allows(policies, from, to, false, proto, port) &&
	       end_allows(policies, to, from, true, proto, port);
}

#include "net/inplace_allow.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

static bool net_equal(struct ip_net a, struct ip_net b)
{
	return a.prefix_bits == b.prefix_bits && ip_equal(a.ip, b.ip);
}

static bool has(const struct inplace_allow *list, struct ip_net net)
{
	for (size_t i = 0; i < list->n; i++)
		if (net_equal(list->nets[i], net))
			return true;
	return false;
}

int inplace_allow_add(struct inplace_allow *list, const char *text,
		      struct err *reterr)
{
	struct ip_net net;

	if (ip_net_parse(text, &net) < 0)
		return err_set(reterr, EINVAL, "--allow",
			       "expected an address or a network such as "
			       "10.0.0.0/8 or fd00::/8, with no bits behind "
			       "the prefix; got \"%.60s\"",
			       text);
	if (has(list, net))
		return 0;
	if (list->n == INPLACE_ALLOW_EACH_MAX)
		return err_set(reterr, ENOSPC, "--allow",
			       "more than %d for one workload",
			       INPLACE_ALLOW_EACH_MAX);
	list->nets[list->n++] = net;
	return 0;
}

static struct inplace_allow_key key_of(uint32_t port, struct ip_net net)
{
	struct inplace_allow_key key = {
		.prefix_bits = INPLACE_ALLOW_PREFIX + net.prefix_bits,
		.port = port,
		.family = ip_is_v4(net.ip) && net.prefix_bits >= 96 ? 4 : 6,
	};

	memcpy(key.peer, net.ip.b, sizeof key.peer);
	return key;
}

static struct ip_net net_of(const struct inplace_allow_key *key)
{
	struct ip_net net = {
		.prefix_bits =
			(uint8_t)(key->prefix_bits - INPLACE_ALLOW_PREFIX),
	};

	memcpy(net.ip.b, key->peer, sizeof net.ip.b);
	return net;
}

/* The first in the map of that port that is not in the list. */
static bool find_other(int map, uint32_t port, const struct inplace_allow *list,
		       struct inplace_allow_key *ret)
{
	struct inplace_allow_key *before = NULL;

	for (; bpf_map_get_next_key(map, before, ret) == 0; before = ret)
		if (ret->port == port && !has(list, net_of(ret)))
			return true;
	return false;
}

int inplace_allow_put(int map, uint32_t port, const struct inplace_allow *list,
		      struct err *reterr)
{
	const uint8_t nothing = 0;
	struct inplace_allow_key other;

	for (size_t i = 0; i < list->n; i++) {
		struct inplace_allow_key key = key_of(port, list->nets[i]);

		if (bpf_map_update_elem(map, &key, &nothing, BPF_ANY) < 0)
			return err_set(reterr, errno, "--allow",
				       "write map allow: %s", strerror(errno));
	}
	while (find_other(map, port, list, &other))
		if (bpf_map_delete_elem(map, &other) < 0)
			return err_set(reterr, errno, "--allow",
				       "take a peer from map allow: %s",
				       strerror(errno));
	return 0;
}

void inplace_allow_get(int map, uint32_t port, struct inplace_allow *ret)
{
	struct inplace_allow_key key, *before = NULL;

	*ret = (struct inplace_allow){ .n = 0 };
	while (bpf_map_get_next_key(map, before, &key) == 0 &&
	       ret->n < INPLACE_ALLOW_EACH_MAX) {
		before = &key;
		if (key.port == port)
			ret->nets[ret->n++] = net_of(&key);
	}
}

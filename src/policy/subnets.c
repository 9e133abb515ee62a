#include "policy/subnets.h"

#include <stdlib.h>
#include <string.h>

/* Only peers matter; the rest of the box is wide open. */
static struct match_box box_of(const struct subnet *s, uint32_t order)
{
	struct match_box b = { .peer_first = s->net,
			       .peer_last = s->net,
			       .port_last = UINT16_MAX,
			       .proto_last = UINT8_MAX,
			       .order = order };

	for (unsigned i = s->prefix_bits; i < 128; i++)
		b.peer_last.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	b.own_first = b.own_last = ip_from_v4(0);
	return b;
}

/* The subnets of one family; *ret NULL when there are none. */
static bool index_family(struct match **ret, struct match_box *boxes,
			 const struct subnet *nets, size_t n, bool ipv6)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (ip_is_v4(nets[i].net) != ipv6)
			boxes[k++] = box_of(&nets[i], (uint32_t)i);
	*ret = k ? match_new(boxes, k, ipv6) : NULL;
	return k == 0 || *ret;
}

bool subnet_index_init(struct subnet_index *ret, const struct subnet *nets,
		       size_t n)
{
	struct match_box *boxes = malloc((n + 1) * sizeof *boxes);
	bool ok = false;

	*ret = (struct subnet_index){ 0 };
	if (boxes)
		ok = index_family(&ret->v4, boxes, nets, n, false) &&
		     index_family(&ret->v6, boxes, nets, n, true);
	free(boxes);
	return ok;
}

void subnet_index_done(struct subnet_index *s)
{
	match_free(s->v4);
	match_free(s->v6);
}

uint32_t subnet_index_find(const struct subnet_index *s, struct ip_addr a)
{
	const struct match *m = ip_is_v4(a) ? s->v4 : s->v6;
	struct match_point p = { .peer = a, .own = ip_from_v4(0) };

	return m ? match_find(m, &p, NULL, NULL, NULL) : MATCH_NONE;
}

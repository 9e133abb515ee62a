#include "veth.h"

#include "net/link.h"
#include "test.h"

static void bring_up(struct nl *nl, const char *name)
{
	struct err err;
	uint32_t index;

	assert_int_equal(link_index(nl, name, &index, &err), 0);
	assert_int_equal(link_set_quiet(nl, index, &err), 0);
	assert_int_equal(link_set_up(nl, index, true, &err), 0);
}

void veth_make(const char *a, const char *b)
{
	const struct veth_end ends[2] = { { .name = a }, { .name = b } };
	struct err err;
	struct nl *nl;

	assert_int_equal(nl_open(NULL, &nl, &err), 0);
	assert_int_equal(link_add_veth(nl, &ends[0], &ends[1], &err), 0);
	bring_up(nl, a);
	bring_up(nl, b);
	nl_free(nl);
}

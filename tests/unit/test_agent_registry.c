/*
 * The agent's registry: finding workloads as people write them, and by MAC and
 * address against a naive model, while they come and go.
 */
#include "agent/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "seed.h"
#include "test.h"

static struct workload *add(struct registry *r, const char *id,
			    const char *name, const char *pod,
			    const char *space)
{
	struct workload *w = registry_add_workload(r, id);

	assert_non_null(w);
	w->about = json_pack("{s:s, s:s*, s:s*}", "name", name, "pod", pod,
			     "namespace", space);
	return w;
}

static void test_find(void **state)
{
	static const struct {
		const char *text, *want; /* id, "" none, "2" several */
	} rows[] = {
		{ "web", "2" },
		{ "web-1", "docker:abc123" },
		{ "docker:abc123", "docker:abc123" },
		{ "abc1", "docker:abc123" },
		{ "abc", "2" },
		{ "abd", "docker:abd999" },
		{ "db-0.shop", "cri:77" },
		{ "db-0", "" },
		{ "sidecar", "cri:77" },
		{ "", "" },
		{ "nobody", "" },
		{ "dock", "2" },
	};
	struct registry r = { 0 };
	struct workload *w;
	struct err err;

	add(&r, "docker:abc123", "web-1", NULL, "shop");
	add(&r, "docker:abd999", "web", NULL, NULL);
	add(&r, "netns:web", "web", NULL, NULL);
	add(&r, "cri:77", "sidecar", "db-0", "shop");
	add(&r, "docker:abc999", "other", NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = registry_find(&r, rows[i].text, &w, &err);

		if (strcmp(rows[i].want, "2") == 0)
			assert_row(rows[i].text, rc == -ENOTUNIQ);
		else if (!rows[i].want[0])
			assert_row(rows[i].text, rc == -ENOENT);
		else
			assert_row(rows[i].text,
				   rc == 0 && strcmp(w->id, rows[i].want) == 0);
	}
	registry_done(&r);
}

#define ADDRS	   200
#define OPERATIONS 20000

struct model {
	struct registry r;
	struct workload *owner_of[ADDRS]; /* of those that are here */
	uint64_t random;
	unsigned made;
};

static uint32_t any(struct model *m, uint32_t below)
{
	return seed_draw(&m->random, below);
}

static struct ip_addr addr_of(uint32_t n)
{
	return ip_from_v4(0x0a000000 + n);
}

static struct mac mac_of(uint32_t n)
{
	return (struct mac){ { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

static void op_come(struct model *m)
{
	uint32_t n = any(m, ADDRS);
	struct workload *w;
	struct port *p;
	char id[32];

	if (m->owner_of[n])
		return;
	(void)snprintf(id, sizeof id, "netns:%u", m->made++);
	w = add(&m->r, id, "x", NULL, NULL);
	w->addrs = malloc(sizeof *w->addrs);
	w->addrs[0] = addr_of(n);
	w->n_addrs = 1;
	p = registry_add_port(&m->r);
	p->workload = w;
	p->plane_mac = mac_of(n);
	registry_changed(&m->r);
	m->owner_of[n] = w;
}

static void op_go(struct model *m)
{
	uint32_t n = any(m, ADDRS);
	struct port *p;

	if (!m->owner_of[n])
		return;
	p = registry_port_by_mac(&m->r, mac_of(n));
	assert_non_null(p);
	if (any(m, 2)) { /* the device first, or the workload */
		registry_del_port(&m->r, p);
		registry_del_workload(&m->r, m->owner_of[n]);
	} else {
		registry_del_workload(&m->r, m->owner_of[n]);
		registry_del_port(&m->r, p);
	}
	m->owner_of[n] = NULL;
}

/* Who is here is found; else whoever was last, if remembered. */
static void op_ask(struct model *m)
{
	uint32_t n = any(m, ADDRS);
	struct workload *by_addr = registry_by_addr(&m->r, addr_of(n));
	struct workload *by_mac = registry_by_mac(&m->r, mac_of(n));

	if (m->owner_of[n]) {
		assert_ptr_equal(by_addr, m->owner_of[n]);
		assert_ptr_equal(by_mac, m->owner_of[n]);
		return;
	}
	assert_ptr_equal(by_addr, by_mac);
	if (by_addr) {
		assert_true(ip_equal(by_addr->addrs[0], addr_of(n)));
		assert_true(m->r.n_gone > 0);
	}
}

static void test_model(void **state)
{
	struct model *m = calloc(1, sizeof *m);

	m->random = seed_choose() | 1;
	for (int i = 0; i < OPERATIONS; i++)
		switch (any(m, 4)) {
		case 0: op_come(m); break;
		case 1: op_go(m); break;
		default: op_ask(m);
		}
	assert_true(m->made > WORKLOADS_GONE_MAX);
	assert_int_equal(m->r.n_gone, WORKLOADS_GONE_MAX);
	registry_done(&m->r);
	free(m);
}

static void test_full(void **state)
{
	struct registry r = { 0 };

	r.n_workloads = WORKLOADS_MAX;
	assert_null(registry_add_workload(&r, "one"));
	r.n_ports = PORTS_MAX;
	assert_null(registry_add_port(&r));
	r.n_containers = CONTAINERS_MAX;
	assert_null(registry_add_container(&r, 0, "one"));
	assert_int_equal(r.refused, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

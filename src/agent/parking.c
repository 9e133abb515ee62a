#include "agent/parking.h"

#include <stdio.h>

#include "agent/guard.h"
#include "agent/record.h"

/* Somebody is parked no more; the next one ends then. */
static void ended(void *arg)
{
	struct agent *a = arg;
	usec_t now = clock_now();

	guard_apply_all(a);
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (parking_has(p))
			loop_timer_need(a->loop, &a->parked_ends,
					usec_since(p->parked, now));
}

void parking_start(struct agent *a)
{
	a->parked_ends.fn = ended;
	a->parked_ends.arg = a;
}

/* Frames of both its directions have its mark, or that of copies; or its group's. */
static bool is_marked(const struct port *p, struct mac mac)
{
	struct mac group = mac;

	if (mac.b[3] == INPLACE_COPY_MARK)
		mac.b[3] = p->mark.b[3];
	if (group.b[3] == 1)
		group.b[3] = 0;
	return mac_equal(mac, p->mark) || mac_equal(group, p->group_mark);
}

static struct port *blamed(struct agent *a, const json_t *about)
{
	const json_t *text;
	size_t i;

	json_array_foreach (json_object_get(about, "frame"), i, text) {
		const char *s = json_string_value(text);
		struct mac mac;

		if (!s || mac_parse(s, &mac) < 0)
			continue;
		for (struct port *p = a->registry.ports; p; p = p->next)
			if (p->state == PORT_DIVERTED && is_marked(p, mac))
				return p;
	}
	return NULL;
}

/* Was that one too many? */
static bool count_death(struct port *p, usec_t now)
{
	usec_t first;

	p->deaths[p->n_deaths++ % PORT_DEATHS] = now;
	if (p->n_parked > 0)
		return true;
	if (p->n_deaths < PORT_DEATHS)
		return false;
	first = p->deaths[p->n_deaths % PORT_DEATHS];
	return usec_since(now, first) <= PLANE_DEATHS_US;
}

static uint64_t parked_for(const struct port *p)
{
	uint64_t us = PORT_PARKED_US;

	for (unsigned i = 1; i < p->n_parked && us < PORT_PARKED_MAX_US; i++)
		us *= 2;
	return us < PORT_PARKED_MAX_US ? us : PORT_PARKED_MAX_US;
}

void parking_death(struct agent *a, struct plane *of, const json_t *about)
{
	struct port *p = blamed(a, about);
	usec_t now = clock_now();
	char text[256];

	/* at the host's own device, and at a parked one, it counts for all */
	if (!p || !p->workload || parking_has(p) || !count_death(p, now))
		return;
	p->n_parked++;
	p->n_deaths = 0;
	p->parked = usec_add(now, parked_for(p));
	(void)snprintf(text, sizeof text,
		       "data planes die of frames of %s: it is parked for "
		       "%u s, as guard.on_failure says",
		       workload_name(p->workload),
		       (unsigned)(parked_for(p) / USEC_PER_SEC));
	log_warn("port: %s device=%s", text, p->host[0] ? p->host : p->dev);
	record_state_of(a, p->workload, "parked", "critical", text);
	plane_forgive(of);
	loop_timer_need(a->loop, &a->parked_ends, parked_for(p));
	guard_apply(a, p);
}

bool parking_has(const struct port *p)
{
	return p->parked.us && usec_before(clock_now(), p->parked);
}

void parking_text(const struct port *p, char *ret, size_t size)
{
	usec_t now = clock_now();

	(void)snprintf(
		ret, size,
		"parked, for data planes die of its frames; %u s left",
		usec_before(now, p->parked)
			? (unsigned)(usec_since(p->parked, now) / USEC_PER_SEC)
			: 0);
}

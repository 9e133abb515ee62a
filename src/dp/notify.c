/*
 * The agent's socket is root's and this process is not, so the opener sends
 * (opener.h). One datagram is asked for at a time: a turn costs a few round
 * trips on a socket pair, and one when the agent is not there.
 *
 * The first datagram of a kind that is not taken ends that kind's turn: the
 * agent's queue is full, or nobody is there, and the next would not be taken
 * either. Ports stay marked as changed and connections are kept; threats and
 * names that were taken out of the worker are lost then, and counted.
 */
#include "dp/notify.h"

#include <errno.h>

#include "base/log.h"
#include "dp/ask.h"
#include "dp/control.h"
#include "dp/opener.h"
#include "policy/snapshot.h"

#define TURN_US		      (2 * USEC_PER_SEC)
#define TURNS_PER_CONNECTIONS 3

void notify_init(struct notify *n, bool on, usec_t now)
{
	*n = (struct notify){ .on = on, .next = usec_add(now, TURN_US) };
}

int notify_wait_ms(const struct notify *n, usec_t now)
{
	if (!n->on)
		return -1;
	/* rounded up: a poll that ends just before the turn is in vain */
	return (int)(usec_since(n->next, now) / 1000) + 1;
}

static bool deliver(struct control *ctl, const uint8_t *buf, size_t len)
{
	struct notify *n = &ctl->notify;
	int rc = n->on ? opener_notify(ctl->opener_fd, buf, len) : -ENOENT;

	if (rc == 0) {
		n->counts.sent[buf[0]]++;
		n->distrust_told = false;
		return true;
	}
	n->counts.not_taken[buf[0]]++;
	if (rc == -EPERM && !n->distrust_told) {
		log_warn("the agent is not told: its socket is neither root's "
			 "nor ours");
		n->distrust_told = true;
	}
	return false;
}

static struct dpmsg_clock wall_clock(void)
{
	return (struct dpmsg_clock){ clock_unix_us() - clock_now().us };
}

/* Kind 1 of one workload; true when it was taken. */
static bool tell_apps_of(struct control *ctl, const struct endpoint *e,
			 unsigned index)
{
	uint8_t buf[COMPAT_REPLY_MAX];
	size_t n;
	const struct app_record *apps =
		app_maps_get(ctl->kept.apps, (uint16_t)index, &n);

	if (!deliver(ctl, buf, dpmsg_app_update(buf, e->mac, apps, n)))
		return false;
	app_maps_told(ctl->kept.apps, (uint16_t)index);
	return true;
}

static void tell_changed_apps(struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	unsigned sent = 0;

	for (unsigned i = 0; i < s.n_endpoints && sent < NOTICES_PER_TURN;
	     i++) {
		if (!s.endpoints[i].used ||
		    !app_maps_is_changed(ctl->kept.apps, (uint16_t)i))
			continue;
		if (!tell_apps_of(ctl, &s.endpoints[i], i))
			return;
		sent++;
	}
}

unsigned notify_all_apps(struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	unsigned sent = 0;
	size_t n;

	for (unsigned i = 0; i < s.n_endpoints; i++) {
		(void)app_maps_get(ctl->kept.apps, (uint16_t)i, &n);
		if (s.endpoints[i].used && n)
			sent += tell_apps_of(ctl, &s.endpoints[i], i);
	}
	return sent;
}

static void tell_threats(struct control *ctl)
{
	uint8_t buf[COMPAT_REPLY_MAX];
	struct threat_page page;
	unsigned sent = 0;

	do {
		ask_threats(ctl->worker, &page);
		for (size_t i = 0; i < page.n; i++)
			sent += deliver(ctl, buf,
					dpmsg_threat(buf, &page.records[i],
						     wall_clock()));
	} while (page.n == THREATS_PER_QUESTION && sent &&
		 sent < NOTICES_PER_TURN);
}

/* Wildcard names: the agent keeps what they gained (reference 1.8). */
static void tell_fqdns(struct control *ctl)
{
	uint8_t buf[COMPAT_REPLY_MAX];
	struct fqdn_record f;

	for (unsigned i = 0; i < NOTICES_PER_TURN; i++) {
		if (!ask_fqdn(ctl->worker, &f))
			return;
		if (f.name[0] == '*' &&
		    !deliver(ctl, buf, dpmsg_fqdn_update(buf, &f)))
			return;
	}
}

static void tell_ip_names(struct control *ctl)
{
	uint8_t buf[COMPAT_REPLY_MAX];
	struct ip_name_page page;
	unsigned asked = 0;

	do {
		ask_ip_names(ctl->worker, &page);
		for (size_t i = 0; i < page.n; i++)
			if (ip_is_v4(page.records[i].ip) &&
			    !deliver(ctl, buf,
				     dpmsg_ip_name(buf, &page.records[i])))
				return;
		asked += IP_NAMES_PER_QUESTION;
	} while (page.n == IP_NAMES_PER_QUESTION && asked < NOTICES_PER_TURN);
}

/* Encodes the next connections; false when there are none. */
static bool keep_connections(struct control *ctl)
{
	struct notify *n = &ctl->notify;
	struct connection_page page;
	size_t told;

	do {
		ask_connections(ctl->worker, &page);
		told = 0;
		for (size_t i = 0; i < page.n; i++)
			/* the format has no IPv6 (reference 4) */
			if (ip_is_v4(page.records[i].client) &&
			    ip_is_v4(page.records[i].server))
				page.records[told++] = page.records[i];
	} while (told == 0 && page.n == CONNECTIONS_PER_MSG);
	if (told == 0)
		return false;
	n->kept_len =
		dpmsg_connections(n->kept, page.records, told, wall_clock());
	return true;
}

static void tell_connections(struct control *ctl)
{
	struct notify *n = &ctl->notify;

	for (unsigned i = 0; i < NOTICES_PER_TURN; i++) {
		if (n->kept_len == 0 && !keep_connections(ctl))
			return;
		if (!deliver(ctl, n->kept, n->kept_len))
			return;
		n->kept_len = 0;
	}
}

void notify_turn(struct control *ctl, usec_t now)
{
	struct notify *n = &ctl->notify;

	if (!n->on || usec_before(now, n->next))
		return;
	n->next = usec_add(now, TURN_US);
	tell_changed_apps(ctl);
	tell_threats(ctl);
	tell_fqdns(ctl);
	tell_ip_names(ctl);
	if (++n->turn % TURNS_PER_CONNECTIONS == 0)
		tell_connections(ctl);
}

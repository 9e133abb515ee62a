/*
 * The agent's socket is root's and this process is not, so the opener sends
 * (opener.h). One datagram is asked for at a time: a turn costs a few round
 * trips on a socket pair, and one when the agent is not there.
 *
 * The first datagram of a kind that is not taken ends that kind's turn: the
 * agent's queue is full, or nobody is there, and the next would not be taken
 * either. It is tried again next turn: ports stay marked as changed, connections
 * and threats stay unread in their backlogs (told.h), and of names what was
 * taken out of the worker is kept until it is taken; what the worker cannot
 * hold meanwhile it counts itself.
 */
#include "dp/notify.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "dp/ask.h"
#include "dp/control.h"
#include "dp/fqdns.h"
#include "dp/opener.h"
#include "policy/snapshot.h"

#define TURN_US (2 * USEC_PER_SEC)

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
	const struct backlog *b = ctl->told.threats;
	struct told_reader *reader = &ctl->notify.threats;
	uint8_t buf[COMPAT_REPLY_MAX];
	const struct threat_record *t;
	uint64_t at;

	for (unsigned i = 0; i < NOTICES_PER_TURN; i++) {
		t = backlog_next(b, reader->after, &at);
		if (!t ||
		    !deliver(ctl, buf, dpmsg_threat(buf, t, wall_clock())))
			return;
		told_reader_move(reader, b, at);
	}
}

/* Those of its own sensors; the others are ours to tell. */
static void tell_findings(struct control *ctl)
{
	const struct backlog *b = ctl->told.findings;
	struct told_reader *reader = &ctl->notify.findings;
	uint8_t buf[COMPAT_REPLY_MAX];
	const struct finding_record *f;
	uint64_t at;

	for (unsigned i = 0; i < NOTICES_PER_TURN; i++) {
		f = backlog_next(b, reader->after, &at);
		if (!f ||
		    (f->flags & FINDING_COMPAT &&
		     !deliver(ctl, buf, dpmsg_finding(buf, f, wall_clock()))))
			return;
		told_reader_move(reader, b, at);
	}
}

/* Is the name one that the agent itself gave as that of a virtual host? */
static bool is_vhost(const struct config *c, const char *name)
{
	size_t n;
	const struct fqdn_entry *all = fqdns_all(config_fqdns(c), &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].vhost;
	return false;
}

/* Wildcard names: the agent keeps what they gained (reference 1.8). */
static void tell_fqdns(struct control *ctl)
{
	struct kept_notices *kept = &ctl->notify.kept;
	uint8_t buf[COMPAT_REPLY_MAX];

	for (unsigned i = 0; i < NOTICES_PER_TURN; i++) {
		if (!kept->fqdn.n_ips && !ask_fqdn(&ctl->workers, &kept->fqdn))
			return;
		kept->fqdn.vhost = is_vhost(ctl->config, kept->fqdn.name);
		if (kept->fqdn.name[0] == '*' &&
		    !deliver(ctl, buf, dpmsg_fqdn_update(buf, &kept->fqdn)))
			return;
		kept->fqdn.n_ips = 0;
	}
}

/*
 * What one worker has done with, another may still have told of: the agent keeps
 * it until the last one has done with it.
 */
static bool is_to_be_told(const struct control *ctl,
			  const struct ip_name_record *r)
{
	return ip_is_v4(r->ip) && !(r->released && ctl->workers.n > 1 &&
				    ask_has_ip_name(&ctl->workers, r->ip));
}

/* false: one was not taken, and it and those behind it are kept. */
static bool tell_ip_name_page(struct control *ctl)
{
	struct kept_notices *kept = &ctl->notify.kept;
	uint8_t buf[COMPAT_REPLY_MAX];

	for (; kept->ip_names_told < kept->ip_names.n; kept->ip_names_told++) {
		const struct ip_name_record *r =
			&kept->ip_names.records[kept->ip_names_told];

		if (is_to_be_told(ctl, r) &&
		    !deliver(ctl, buf, dpmsg_ip_name(buf, r)))
			return false;
	}
	return true;
}

static void tell_ip_names(struct control *ctl)
{
	struct kept_notices *kept = &ctl->notify.kept;
	unsigned asked = 0;

	while (tell_ip_name_page(ctl) && asked < NOTICES_PER_TURN) {
		ask_ip_names(&ctl->workers, &kept->ip_names);
		kept->ip_names_told = 0;
		if (kept->ip_names.n == 0)
			return;
		asked += IP_NAMES_PER_QUESTION;
	}
}

/*
 * The next connections for one notice, how many; *ret_at: the last one looked
 * at. The format has no IPv6 (reference 4): those are passed over.
 */
static size_t
next_connections(const struct backlog *b, uint64_t after,
		 struct connection_record ret[static CONNECTIONS_PER_MSG],
		 uint64_t *ret_at)
{
	const struct connection_record *c;
	size_t n = 0;

	while (n < CONNECTIONS_PER_MSG && (c = backlog_next(b, after, &after)))
		if (ip_is_v4(c->client) && ip_is_v4(c->server))
			ret[n++] = *c;
	*ret_at = after;
	return n;
}

static void tell_connections(struct control *ctl)
{
	struct connection_record records[CONNECTIONS_PER_MSG];
	const struct backlog *b = ctl->told.connections;
	struct told_reader *reader = &ctl->notify.connections;
	uint8_t buf[COMPAT_REPLY_MAX];

	for (unsigned i = 0; i < NOTICES_PER_TURN; i++) {
		uint64_t at;
		size_t n = next_connections(b, reader->after, records, &at);

		if (n &&
		    !deliver(ctl, buf,
			     dpmsg_connections(buf, records, n, wall_clock())))
			return;
		told_reader_move(reader, b, at);
		if (!n)
			return;
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
	tell_findings(ctl);
	tell_fqdns(ctl);
	tell_ip_names(ctl);
	tell_connections(ctl);
}

/*
 * A chunk sequence is gathered in a scope or detector that nobody sees yet
 * (users == 0) and given to the workloads at END. The END chunk's list of
 * workloads counts, as with policies.
 */
#include "dp/dlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"

struct dlp {
	struct dlp_scope *scopes[ENDPOINTS_MAX];
	struct dlp_detector *detectors[ENDPOINTS_MAX];
	/* By `strict`, of each door. NULL: no sequence is open. */
	struct dlp_scope *scope_chunks[2];
	struct dlp_detector *detector_chunks[2];
	uint64_t detectors_ever;
};

struct dlp *dlp_new(void)
{
	return calloc(1, sizeof(struct dlp));
}

static void scope_free(struct dlp_scope *s)
{
	if (!s)
		return;
	free(s->dlp);
	free(s->waf);
	free(s->rule_ids);
	free(s->waf_rule_ids);
	free(s);
}

static void detector_free(struct dlp_detector *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_rules; i++)
		dlp_rule_done(&t->rules[i]);
	free(t->rules);
	free(t);
}

/* s NULL: the workload has none any more. */
static void set_scope(struct dlp *d, uint16_t endpoint, struct dlp_scope *s)
{
	struct dlp_scope *before = d->scopes[endpoint];

	if (s)
		s->users++;
	d->scopes[endpoint] = s;
	if (before && --before->users == 0)
		scope_free(before);
}

static void set_detector(struct dlp *d, uint16_t endpoint,
			 struct dlp_detector *t)
{
	struct dlp_detector *before = d->detectors[endpoint];

	if (t)
		t->users++;
	d->detectors[endpoint] = t;
	if (before && --before->users == 0)
		detector_free(before);
}

void dlp_free(struct dlp *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		dlp_forget(d, (uint16_t)i);
	for (int door = 0; door < 2; door++) {
		scope_free(d->scope_chunks[door]);
		detector_free(d->detector_chunks[door]);
	}
	free(d);
}

static int bad_chunk(enum ctrl_kind kind, struct err *reterr)
{
	int rc = err_set(reterr, EINVAL, "flag",
			 "no chunk with the START flag (1) came before this "
			 "one");

	err_prefix(reterr, ctrl_name(kind));
	return rc;
}

/* A list of n elements with room for `more`; the old one's place is taken. */
static int grow(void *list, size_t n, size_t more, size_t size, void **ret)
{
	void *grown;

	if (n + more > DLP_RULES_MAX)
		return -E2BIG;
	grown = realloc(list, (n + more + 1) * size);
	if (!grown)
		return -ENOMEM;
	*ret = grown;
	return 0;
}

/* Moves the elements of *more behind those of *list. */
static int add_uses(struct dlp_use **list, size_t *n, struct dlp_use **more,
		    size_t *n_more)
{
	void *grown;
	int rc = grow(*list, *n, *n_more, sizeof **list, &grown);

	if (rc < 0)
		return rc;
	*list = grown;
	if (*n_more)
		memcpy(*list + *n, *more, *n_more * sizeof **list);
	*n += *n_more;
	free(*more);
	*more = NULL;
	*n_more = 0;
	return 0;
}

static int add_rules(struct dlp_detector *t, struct ctrl_msg *m)
{
	size_t more = m->bld_dlp.n_rules;
	void *grown;
	int rc = grow(t->rules, t->n_rules, more, sizeof *t->rules, &grown);

	if (rc < 0)
		return rc;
	t->rules = grown;
	if (more)
		memcpy(t->rules + t->n_rules, m->bld_dlp.rules,
		       more * sizeof *t->rules);
	t->n_rules += more;
	free(m->bld_dlp.rules);
	m->bld_dlp.rules = NULL;
	m->bld_dlp.n_rules = 0;
	return 0;
}

static int too_much(int rc, const char *at, struct err *reterr)
{
	if (rc == -E2BIG)
		return err_set(reterr, E2BIG, at,
			       "more than %d signatures in all chunks",
			       DLP_RULES_MAX);
	return err_set(reterr, ENOMEM, at, "out of memory");
}

static int begin_scope(struct dlp_scope **ret, struct ctrl_msg *m)
{
	struct dlp_scope *s = calloc(1, sizeof *s);

	scope_free(*ret);
	*ret = s;
	if (!s)
		return -ENOMEM;
	s->rule_ids = m->cfg_dlp.rule_ids;
	s->n_rule_ids = m->cfg_dlp.n_rule_ids;
	s->waf_rule_ids = m->cfg_dlp.waf_rule_ids;
	s->n_waf_rule_ids = m->cfg_dlp.n_waf_rule_ids;
	m->cfg_dlp.rule_ids = m->cfg_dlp.waf_rule_ids = NULL;
	return 0;
}

static void end_scope(struct dlp *d, struct dlp_scope *s, struct dlp_targets at)
{
	for (size_t i = 0; i < at.n; i++)
		set_scope(d, at.endpoints[i], s);
	if (s->users == 0)
		scope_free(s);
}

int dlp_configure(struct dlp *d, struct ctrl_msg *m, bool strict,
		  struct dlp_targets at, struct err *reterr)
{
	struct dlp_scope **open = &d->scope_chunks[strict], *s;
	int rc = 0;

	if (m->cfg_dlp.flag & MSG_CHUNK_START)
		rc = begin_scope(open, m);
	s = *open;
	if (rc == 0 && !s)
		return bad_chunk(m->kind, reterr);
	if (rc == 0)
		rc = add_uses(&s->dlp, &s->n_dlp, &m->cfg_dlp.dlp,
			      &m->cfg_dlp.n_dlp);
	if (rc == 0)
		rc = add_uses(&s->waf, &s->n_waf, &m->cfg_dlp.waf,
			      &m->cfg_dlp.n_waf);
	if (rc < 0) {
		scope_free(s);
		*open = NULL;
		return too_much(rc, "ctrl_cfg_dlp", reterr);
	}
	s->inside = m->cfg_dlp.inside;
	s->waf_inside = m->cfg_dlp.waf_inside;
	if (m->cfg_dlp.flag & MSG_CHUNK_END) {
		*open = NULL;
		end_scope(d, s, at);
	}
	return 0;
}

void dlp_clear(struct dlp *d, struct dlp_targets at)
{
	for (size_t i = 0; i < at.n; i++)
		set_scope(d, at.endpoints[i], NULL);
}

static void end_detector(struct dlp *d, struct dlp_detector *t, bool empty,
			 struct dlp_targets at, struct dlp_targets not_at)
{
	for (size_t i = 0; i < at.n; i++)
		set_detector(d, at.endpoints[i], empty ? NULL : t);
	for (size_t i = 0; i < not_at.n; i++)
		set_detector(d, not_at.endpoints[i], NULL);
	/* it may have been given and taken back at once */
	if (empty || at.n == 0)
		detector_free(t);
}

int dlp_build(struct dlp *d, struct ctrl_msg *m, bool strict,
	      struct dlp_targets at, struct dlp_targets not_at,
	      struct err *reterr)
{
	struct dlp_detector **open = &d->detector_chunks[strict];
	bool empty = m->bld_dlp.n_rules == 0;
	struct dlp_detector *t;
	int rc = 0;

	if (m->bld_dlp.flag & MSG_CHUNK_START) {
		detector_free(*open);
		*open = calloc(1, sizeof *t);
		rc = *open ? 0 : -ENOMEM;
	}
	t = *open;
	if (rc == 0 && !t)
		return bad_chunk(m->kind, reterr);
	if (rc == 0)
		rc = add_rules(t, m);
	if (rc < 0) {
		detector_free(t);
		*open = NULL;
		return too_much(rc, "ctrl_bld_dlp.dlp_rules", reterr);
	}
	t->dir = m->bld_dlp.dir;
	if (m->bld_dlp.flag & MSG_CHUNK_END) {
		*open = NULL;
		t->serial = ++d->detectors_ever;
		end_detector(d, t, empty, at, not_at);
	}
	return 0;
}

int dlp_attach(struct dlp *d, struct dlp_targets old, struct dlp_targets add,
	       struct dlp_targets remove, struct err *reterr)
{
	struct dlp_detector *t = NULL;

	for (size_t i = 0; i < old.n && !t; i++)
		t = d->detectors[old.endpoints[i]];
	if (!t)
		return err_set(reterr, ESRCH, "ctrl_bld_dlpmac.oldmac",
			       "none of them has a detector");
	t->users++; /* while the last of them may lose it */
	for (size_t i = 0; i < add.n; i++)
		set_detector(d, add.endpoints[i], t);
	for (size_t i = 0; i < remove.n; i++)
		set_detector(d, remove.endpoints[i], NULL);
	if (--t->users == 0)
		detector_free(t);
	return 0;
}

void dlp_forget(struct dlp *d, uint16_t endpoint)
{
	set_scope(d, endpoint, NULL);
	set_detector(d, endpoint, NULL);
}

/* Has a workload before this one the same? */
static bool is_counted(const struct dlp *d, size_t endpoint)
{
	for (size_t i = 0; i < endpoint; i++)
		if (d->detectors[i] == d->detectors[endpoint])
			return true;
	return false;
}

size_t dlp_latest(const struct dlp *d, struct dlp_latest **ret)
{
	size_t room = 1, n = 0;

	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		if (d->detectors[i] && !is_counted(d, i))
			room += d->detectors[i]->n_rules;
	*ret = calloc(room, sizeof **ret);
	for (size_t i = 0; *ret && i < ENDPOINTS_MAX; i++) {
		const struct dlp_detector *t = d->detectors[i];

		for (size_t k = 0; t && !is_counted(d, i) && k < t->n_rules;
		     k++)
			(*ret)[n++] =
				(struct dlp_latest){ t->rules[k], t->serial };
	}
	return n;
}

const struct dlp_scope *dlp_scope_of(const struct dlp *d, uint16_t endpoint)
{
	return d->scopes[endpoint];
}

const struct dlp_detector *dlp_detector_of(const struct dlp *d,
					   uint16_t endpoint)
{
	return d->detectors[endpoint];
}

#include "dp/fqdns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct fqdns {
	size_t n;
	struct fqdn_entry of[FQDNS_MAX];
};

struct fqdns *fqdns_new(void)
{
	return calloc(1, sizeof(struct fqdns));
}

static void entry_done(struct fqdn_entry *e)
{
	free(e->name);
	free(e->ips);
}

void fqdns_free(struct fqdns *f)
{
	for (size_t i = 0; f && i < f->n; i++)
		entry_done(&f->of[i]);
	free(f);
}

struct fqdns *fqdns_copy(const struct fqdns *f)
{
	struct fqdns *copy = fqdns_new();

	for (size_t i = 0; copy && i < f->n; i++) {
		const struct fqdn_entry *from = &f->of[i];
		struct fqdn_entry *to = &copy->of[copy->n++];

		*to = *from;
		to->name = strdup(from->name);
		to->ips = malloc((from->n_ips + 1) * sizeof *to->ips);
		if (!to->name || !to->ips) {
			fqdns_free(copy);
			return NULL;
		}
		memcpy(to->ips, from->ips, from->n_ips * sizeof *to->ips);
	}
	return copy;
}

/* Its place; f->n: it is not there. */
static size_t find(const struct fqdns *f, const char *name)
{
	size_t i = 0;

	while (i < f->n && strcmp(f->of[i].name, name) != 0)
		i++;
	return i;
}

static bool has_ip(const struct fqdn_entry *e, struct ip_addr ip)
{
	for (size_t i = 0; i < e->n_ips; i++)
		if (ip_equal(e->ips[i], ip))
			return true;
	return false;
}

/* Room for n more addresses; what there is stays. */
static int make_room(struct fqdn_entry *e, size_t n)
{
	struct ip_addr *grown =
		realloc(e->ips, (e->n_ips + n + 1) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	e->ips = grown;
	return 0;
}

static int add_ips(struct fqdn_entry *e, const struct ctrl_msg *m,
		   struct err *reterr)
{
	size_t before = e->n_ips;

	if (make_room(e, m->set_fqdn.n_ips) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < m->set_fqdn.n_ips; i++)
		if (!has_ip(e, m->set_fqdn.ips[i]))
			e->ips[e->n_ips++] = m->set_fqdn.ips[i];
	if (e->n_ips > FQDN_IPS_MAX) {
		e->n_ips = before;
		return err_set(reterr, E2BIG, "ctrl_cfg_set_fqdn.fqdn_ips",
			       "the name has more than %d addresses then",
			       FQDN_IPS_MAX);
	}
	e->vhost = m->set_fqdn.vhost;
	return 0;
}

int fqdns_set(struct fqdns *f, const struct ctrl_msg *m, struct err *reterr)
{
	size_t at = find(f, m->set_fqdn.name);
	struct fqdn_entry e = { 0 };
	int rc;

	if (at < f->n)
		return add_ips(&f->of[at], m, reterr);
	if (f->n == FQDNS_MAX)
		return err_set(reterr, E2BIG, "ctrl_cfg_set_fqdn.fqdn_name",
			       "there are %d names already", FQDNS_MAX);
	rc = add_ips(&e, m, reterr);
	if (rc == 0) {
		e.name = strdup(m->set_fqdn.name);
		if (!e.name)
			rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc < 0) {
		entry_done(&e);
		return rc;
	}
	f->of[f->n++] = e;
	return 0;
}

int fqdns_check(const struct fqdns *f, const struct ctrl_msg *m,
		struct err *reterr)
{
	char at[ERR_AT_MAX];

	for (size_t i = 0; i < m->del_fqdn.n; i++) {
		if (find(f, m->del_fqdn.names[i]) < f->n)
			continue;
		(void)snprintf(at, sizeof at, "ctrl_cfg_del_fqdn.names[%zu]",
			       i);
		return err_set(reterr, ENOENT, at,
			       "no addresses were given to \"%s\"",
			       m->del_fqdn.names[i]);
	}
	return 0;
}

size_t fqdns_del(struct fqdns *f, const struct ctrl_msg *m)
{
	size_t deleted = 0;

	for (size_t i = 0; i < m->del_fqdn.n; i++) {
		size_t at = find(f, m->del_fqdn.names[i]);
		struct fqdn_entry *e = &f->of[at];

		if (at == f->n)
			continue;
		entry_done(e);
		f->n--;
		memmove(e, e + 1, (size_t)(&f->of[f->n] - e) * sizeof *e);
		deleted++;
	}
	return deleted;
}

const struct fqdn_entry *fqdns_all(const struct fqdns *f, size_t *ret_n)
{
	*ret_n = f->n;
	return f->of;
}

/*
 * Names are compared without case (RFC 4343); they are kept in lower case, so
 * that everybody else may compare bytes. Only letters of ASCII have case here:
 * what tolower() makes of others is the locale's affair.
 */
#include "wire/ctrl_fqdn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/field.h"

char *fqdn_lower_copy(const char *name)
{
	size_t len = strlen(name);
	char *copy;

	if (len > 1 && name[len - 1] == '.')
		len--;
	copy = strndup(name, len);
	for (char *c = copy; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

bool fqdn_is_valid(const char *name)
{
	size_t len = strlen(name);
	const char *star;

	if (len == 0 || len >= FQDN_TEXT_MAX || name[0] == '.')
		return false;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c == 0x7f || (*c == '.' && c[1] == '.'))
			return false;
	star = strrchr(name, '*');
	return !star || (star == name && name[1] == '.' && name[2] != '\0');
}

static void parse_ips(struct fields *f, struct ctrl_msg *m)
{
	const json_t *array = NULL;
	size_t n;

	if (!field_array(f, "fqdn_ips", FIELD_MAY, FQDN_IPS_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	m->set_fqdn.ips = calloc(n, sizeof *m->set_fqdn.ips);
	if (!m->set_fqdn.ips) {
		f->rc = err_set(f->reterr, ENOMEM, "fqdn_ips", "out of memory");
		return;
	}
	m->set_fqdn.n_ips = n;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(array, i));
		char at[ERR_AT_MAX];

		if (text && ip_parse(text, &m->set_fqdn.ips[i]) == 0)
			continue;
		(void)snprintf(at, sizeof at, "fqdn_ips[%zu]", i);
		fields_refuse(f, at, "expected an IPv4 or IPv6 address");
		return;
	}
}

int ctrl_parse_set_fqdn(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const char *name;

	if (field_str(&f, "fqdn_name", FIELD_MUST, FQDN_TEXT_MAX - 1, &name)) {
		if (!fqdn_is_valid(name))
			fields_refuse(&f, "fqdn_name",
				      "expected a name like a.example.com or "
				      "*.example.com");
		m->set_fqdn.name = fqdn_lower_copy(name);
		if (!m->set_fqdn.name)
			return err_set(reterr, ENOMEM, "fqdn_name",
				       "out of memory");
	}
	parse_ips(&f, m);
	field_bool(&f, "vhost", FIELD_MAY, &m->set_fqdn.vhost);
	return fields_close(&f);
}

int ctrl_parse_del_fqdn(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const json_t *array = NULL;
	size_t n;

	field_array(&f, "names", FIELD_MUST, FQDNS_MAX, &array);
	n = json_array_size(array);
	if (f.rc || n == 0)
		return fields_close(&f);
	m->del_fqdn.names = calloc(n, sizeof *m->del_fqdn.names);
	if (!m->del_fqdn.names)
		return err_set(reterr, ENOMEM, "names", "out of memory");
	m->del_fqdn.n = n;
	for (size_t i = 0; i < n && !f.rc; i++) {
		const char *text = json_string_value(json_array_get(array, i));
		char at[ERR_AT_MAX];

		(void)snprintf(at, sizeof at, "names[%zu]", i);
		if (!text || !fqdn_is_valid(text)) {
			fields_refuse(&f, at, "expected a name");
			break;
		}
		m->del_fqdn.names[i] = fqdn_lower_copy(text);
		if (!m->del_fqdn.names[i])
			f.rc = err_set(reterr, ENOMEM, at, "out of memory");
	}
	return fields_close(&f);
}

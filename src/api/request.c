#include "api/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
					   name);
}

void answer_text(struct request *r, unsigned status, char *text)
{
	struct err err;

	if (!text && status < 300 && status != 204) {
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		answer_problem(r, &err);
		return;
	}
	r->answer.status = status;
	r->answer.text = text;
	r->answer.len = text ? strlen(text) : 0;
}

void answer_problem(struct request *r, const struct err *err)
{
	unsigned status = problem_status(err->code);

	answer_done(&r->answer);
	r->answer.status = status;
	r->answer.text = problem_text(err, status);
	r->answer.len = r->answer.text ? strlen(r->answer.text) : 0;
	r->answer.type = PROBLEM_TYPE;
	if (status == 503)
		answer_header(r, "Retry-After", "2");
}

void answer_header(struct request *r, const char *name, const char *value)
{
	struct answer *a = &r->answer;
	char *copy = strdup(value);

	if (!copy || a->n_headers == ANSWER_HEADERS_MAX) {
		free(copy);
		return;
	}
	a->headers[a->n_headers].name = name;
	a->headers[a->n_headers++].value = copy;
}

void answer_done(struct answer *a)
{
	for (size_t i = 0; i < a->n_headers; i++)
		free(a->headers[i].value);
	free(a->text);
	*a = (struct answer){ 0 };
}

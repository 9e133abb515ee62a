#include "api/problem.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>

unsigned problem_status(int code)
{
	switch (code) {
	case EINVAL:
	case E2BIG:
	case ECONNABORTED: /* by who asks: seldom read */
	case EPROTONOSUPPORT: return 400;
	case ENOKEY:
	case EKEYREJECTED: return 401;
	case EPERM:
	case EACCES: return 403;
	case ENOENT: return 404;
	case EOPNOTSUPP: return 405;
	case EEXIST:
	case EBUSY: return 409;
	case ESTALE: return 412;
	case EMSGSIZE: return 413;
	case EMEDIUMTYPE: return 415;
	case EDESTADDRREQ: return 421;
	case EUSERS: return 429;
	case ENOSYS: return 501;
	case EPROTO: return 502;
	case ECONNREFUSED:
	case ECONNRESET:
	case ENOTCONN:
	case EAGAIN: return 503;
	case ETIMEDOUT: return 504;
	default: return 500;
	}
}

const char *problem_title(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} titles[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

char *problem_text(const struct err *err, unsigned status)
{
	json_t *o;
	char *text;

	if (!status)
		status = problem_status(err->code);
	o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "type", "about:blank",
		      "title", problem_title(status), "status", (int)status,
		      "detail", err->text, "code", err_code_name(err->code),
		      "at", err->at);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}

#include "export/drop.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCOUNT "weir-export"

static int make_folder(const char *path, const struct passwd *pw,
		       struct err *reterr)
{
	if (mkdir(path, 0750) < 0)
		return errno == EEXIST ? 0
				       : err_set(reterr, errno, path, "%s",
						 strerror(errno));
	if (chown(path, pw->pw_uid, pw->pw_gid) < 0 || chmod(path, 0755) < 0)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	return 0;
}

static int become(const char *user, const char *const *folders,
		  struct err *reterr)
{
	const struct passwd *pw = getpwnam(user ? user : ACCOUNT);
	int rc = 0;

	if (!pw)
		return err_set(reterr, ENOENT, "--user", "no account %s",
			       user ? user : ACCOUNT);
	if (pw->pw_uid == 0)
		return err_set(reterr, EINVAL, "--user",
			       "%s is root; weir-export must not be",
			       pw->pw_name);
	for (; *folders && rc == 0; folders++)
		rc = make_folder(*folders, pw, reterr);
	if (rc < 0)
		return rc;
	capng_clear(CAPNG_SELECT_BOTH);
	/* the account's own groups stay: it may read certificates by one */
	if (capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
			    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return err_set(reterr, EPERM, "--user",
			       "cannot become %s without capabilities",
			       pw->pw_name);
	return 0;
}

int drop_to(const char *user, const char *const *folders, struct err *reterr)
{
	int rc = 0;

	if (geteuid() == 0) {
		rc = become(user, folders, reterr);
	} else {
		capng_clear(CAPNG_SELECT_CAPS);
		if (capng_apply(CAPNG_SELECT_CAPS) != 0)
			rc = err_set(reterr, EPERM, NULL, "capabilities stay");
	}
	if (rc < 0)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(reterr, errno, NULL, "prctl: %s",
			       strerror(errno));
	return 0;
}

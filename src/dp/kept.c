#include "dp/kept.h"

#include <errno.h>

int kept_init(struct kept *k)
{
	k->apps = app_maps_new();
	k->dlp = dlp_new();
	if (k->apps && k->dlp)
		return 0;
	kept_done(k);
	return -ENOMEM;
}

void kept_done(struct kept *k)
{
	app_maps_free(k->apps);
	dlp_free(k->dlp);
	*k = (struct kept){ 0 };
}

void kept_forget(struct kept *k, uint16_t endpoint)
{
	app_maps_forget(k->apps, endpoint);
	dlp_forget(k->dlp, endpoint);
}

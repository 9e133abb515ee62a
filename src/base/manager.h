/*
 * What a service manager is told of a service: sd_notify(3) of systemd, without
 * its library.
 */
#pragma once

/*
 * "READY=1", "STOPPING=1". Without a manager (no NOTIFY_SOCKET) nothing is done;
 * one that cannot be told waits in vain, and says so itself. Any thread that may
 * read the environment.
 */
void manager_tell(const char *text);

#!/bin/bash
# What tools/check-banned refuses is nowhere in the tree.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-banned
passes "nothing banned in the tree" "$check" "$SRC"

# Words that the check looks for in every file are put together here.
undone=TO
undone+=DO

fresh
write src/packet/good.c <<'S'
/* (struct eth *)frame is how others do it; sleep(1) */
static const struct mac *first(const struct mac *macs);
struct sockaddr *s = (struct sockaddr *)NULL == 0 ? 0 : 0;
S
sed -i '$d' "$sample/src/packet/good.c"
write src/net/good.c <<'S'
int a = bind(fd, (struct sockaddr *)&addr, sizeof addr);
json_t *ip = json_object_get(o, "ip");
S
write src/net/later.c <<<"/* $undone(#12): shorten */"
write tests/netns/lib.sh <<<'until "$@"; do sleep 0.02; done'
write tests/netns/a.sh <<'S'
# never sleep 1 here
unshare -n sleep infinity &
S
passes "what is allowed is not flagged" "$check" "$sample"

bad() { # NAME REGEX FILE, text on stdin
    fresh
    write "$3"
    flags "$1" "$2" "$check" "$sample"
}
bad "cast of packet memory" 'a.c:2: cast' src/packet/a.c \
    <<<$'int x;\nconst struct eth *e = (const struct eth *)b.begin;'
bad "cast of packet memory to a word" 'cast' src/flow/a.h \
    <<<'uint32_t v = *(uint32_t *)(p + 4);'
bad "cast inside inspect" 'cast' src/inspect/a.c <<<'(struct tcphdr *) p'
bad "include of a .c" 'link it' tests/unit/test_a.c <<<'#include "base/addr.c"'
bad "a point of a loop that break leaves" 'cannot fail' tests/netns/b.sh <<<$'for n in 1 2; do\n    up $n || break\ndone\npoint $? up'
bad "sleep in a test script" 'sleep in a test' tests/netns/a.sh <<<'ping; sleep 1'
bad "a short sleep elsewhere" 'sleep in a test' tests/netns/a.sh \
    <<<'sleep 0.02'
bad "a long sleep in lib.sh" 'sleep in a test' tests/netns/lib.sh <<<'sleep 0.5'
bad "sleep in a unit test" 'sleep in a test' tests/unit/test_a.c \
    <<<'usleep(1000);'
bad "sleep in a Python test" 'sleep in a test' tests/pcap/a.py \
    <<<'time.sleep(1)'
bad "work left undone" 'left undone' src/base/a.c <<<"/* $undone: later */"
bad "ip by exec" 'runs another program' src/net/a.c \
    <<<$'execlp(\n\t"ip", "ip", "link", NULL);'
bad "tc by its path" 'runs another program' src/cli/a.c \
    <<<'const char *tool = "/sbin/tc";'
bad "a shell" 'runs another program' src/cli/a.c \
    <<<'execl("/bin/sh", "sh", "-c", line, NULL);'
bad "system()" 'runs another program' src/cli/a.c <<<'system(line);'
home=/home
bad "a developer's path" 'developer' docs/a.md <<<"see $home/jane/weir"
finish

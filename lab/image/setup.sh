#!/bin/sh
# Last step of an image, inside it: what a provider's image comes with, and nothing of the machine that made it.
set -eu

# The inner image of the existing server's Compose project; Debian's busybox, one static program.
if [ -x /bin/busybox ]; then
    root=$(mktemp -d)
    mkdir -p "$root/bin" "$root/tmp" "$root/etc" "$root/www"
    cp /bin/busybox "$root/bin/busybox"
    for applet in $(/bin/busybox --list); do
        [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
    done
    printf 'root:x:0:0:root:/:/bin/sh\n' > "$root/etc/passwd"
    mkdir -p /usr/share/lab
    tar -C "$root" --owner=0 --group=0 --numeric-owner -cf /usr/share/lab/busybox.tar .
    rm -rf "$root"
fi

systemctl enable lab-procsys.service lab-network.service
# Whoever configures the server decides when these start.
for unit in apt-daily.timer apt-daily-upgrade.timer docker.service docker.socket containerd.service chrony.service \
    unattended-upgrades.service nftables.service; do
    if [ -e "/usr/lib/systemd/system/$unit" ]; then
        systemctl disable "$unit"
    fi
done

# Every host makes its own.
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id

# There is no way out of the lab.
rm -rf /etc/apt/sources.list.d/*
: > /etc/apt/sources.list
rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /var/log/apt /var/log/dpkg.log

"""Services beside this machine that are asked over HTTP: what may be sent, what is made of bad answers."""

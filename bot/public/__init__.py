"""What people outside see: the record that anybody can verify, the site and the partner kit."""

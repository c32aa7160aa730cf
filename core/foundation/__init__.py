"""What knows nothing of the subject: errors, files, parameters, seeds, devices, images as arrays."""

"""Data matrices Y, by where they come from: one module a source."""

from linear_networks.components import Listing
from linear_networks.matrices.file import File
from linear_networks.matrices.gaussian import Gaussian
from linear_networks.matrices.source import Source
from linear_networks.matrices.spectrum import Spectrum
from linear_networks.matrices.table import Table
from linear_networks.matrices.teacher import Teacher

SOURCES: Listing[Source] = Listing(Gaussian, Spectrum, File, Table, Teacher)

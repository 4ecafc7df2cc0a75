"""Write the JSON schema and the page of the config from the declarations: `make reference`."""

from pathlib import Path

from linear_networks_workflow.config import reference

if __name__ == "__main__":
    reference.write(Path(__file__).parents[3])

"""Other people's shop systems, set up from their own packages in folders of their own, to be measured beside ours."""
